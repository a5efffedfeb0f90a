// Command go-fasthttp serves the benchmark's contract with fasthttp, as its documentation has it.
//
// It has no router: the path is matched by hand.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"

	"github.com/valyala/fasthttp"
)

const (
	hello  = "Hello, World!"
	chunk  = "A piece of sixty-four bytes, as a table's row or an event's are."
	chunks = 1000
	prefix = "/items/"
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
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal(fasthttp.Serve(listener, serve))
}

func serve(ctx *fasthttp.RequestCtx) {
	path := string(ctx.Path())
	switch {
	case path == "/":
		ctx.SetContentType("text/plain")
		ctx.SetBodyString(hello)
	case path == "/download":
		ctx.SetContentType("application/octet-stream")
		ctx.SetBody(download)
	case path == "/upload" && ctx.IsPost():
		ctx.SetContentType("text/plain")
		ctx.SetBodyString(strconv.Itoa(len(ctx.PostBody())))
	case path == "/stream":
		ctx.SetContentType("text/plain")
		ctx.SetBodyStreamWriter(writeStream)
	case len(path) > len(prefix) && path[:len(prefix)] == prefix && ctx.IsPost():
		serveReceipt(ctx, path[len(prefix):])
	default:
		ctx.SetStatusCode(fasthttp.StatusNotFound)
	}
}

func serveReceipt(ctx *fasthttp.RequestCtx, parameter string) {
	id, err := strconv.ParseUint(parameter, 10, 64)
	if err != nil {
		ctx.SetStatusCode(fasthttp.StatusNotFound)
		return
	}
	var in item
	if err := json.Unmarshal(ctx.PostBody(), &in); err != nil {
		ctx.SetStatusCode(fasthttp.StatusUnprocessableEntity)
		return
	}
	out, err := json.Marshal(receipt{ID: id, Name: in.Name, Tags: in.Tags, Total: uint64(in.Quantity) * in.Price})
	if err != nil {
		ctx.SetStatusCode(fasthttp.StatusInternalServerError)
		return
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(out)
}

func writeStream(w *bufio.Writer) {
	for i := 0; i < chunks; i++ {
		if _, err := w.WriteString(chunk); err != nil {
			return
		}
		if err := w.Flush(); err != nil {
			return
		}
	}
}
