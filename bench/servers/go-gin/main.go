// Command go-gin serves the benchmark's contract with Gin in its release mode, without the logger that gin.Default
// adds.
package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/gin-gonic/gin"
)

const (
	hello  = "Hello, World!"
	chunk  = "A piece of sixty-four bytes, as a table's row or an event's are."
	chunks = 1000
)

type item struct {
	Name     string   `json:"name"`
	Quantity uint32   `json:"quantity"`
	Price    uint64   `json:"price"`
	Tags     []string `json:"tags"`
}

type receipt struct {
	ID    uint64   `json:"id"`
	Name  string   `json:"name"`
	Tags  []string `json:"tags"`
	Total uint64   `json:"total"`
}

var download = bytes.Repeat([]byte("abcdefghijklmnopqrstuvwxyz"), 1<<20/26+1)[:1<<20]

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Use(gin.Recovery())
	router.GET("/", func(c *gin.Context) { c.String(http.StatusOK, hello) })
	router.POST("/items/:id", serveReceipt)
	router.GET("/download", func(c *gin.Context) { c.Data(http.StatusOK, "application/octet-stream", download) })
	router.POST("/upload", serveCount)
	router.GET("/stream", serveStream)
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, router))
}

func serveReceipt(c *gin.Context) {
	id, err := strconv.ParseUint(c.Param("id"), 10, 64)
	if err != nil {
		c.Status(http.StatusNotFound)
		return
	}
	var in item
	if err := c.ShouldBindJSON(&in); err != nil {
		c.Status(http.StatusUnprocessableEntity)
		return
	}
	c.JSON(http.StatusOK, receipt{ID: id, Name: in.Name, Tags: in.Tags, Total: uint64(in.Quantity) * in.Price})
}

func serveCount(c *gin.Context) {
	n, err := io.Copy(io.Discard, c.Request.Body)
	if err != nil {
		c.Status(http.StatusBadRequest)
		return
	}
	c.String(http.StatusOK, strconv.FormatInt(n, 10))
}

func serveStream(c *gin.Context) {
	c.Header("Content-Type", "text/plain")
	sent := 0
	c.Stream(func(w io.Writer) bool {
		_, err := io.WriteString(w, chunk)
		sent++
		return err == nil && sent < chunks
	})
}
