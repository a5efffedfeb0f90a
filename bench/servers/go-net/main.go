// Command go-net serves the benchmark's contract with Go's net/http, as its documentation has it.
//
// Go 1.19's ServeMux knows no path parameters: the handler takes the identifier from the path.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
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
	mux := http.NewServeMux()
	mux.HandleFunc("/", serveHello)
	mux.HandleFunc("/items/", serveReceipt)
	mux.HandleFunc("/download", serveDownload)
	mux.HandleFunc("/upload", serveCount)
	mux.HandleFunc("/stream", serveStream)
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, mux))
}

func serveHello(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, hello)
}

func serveReceipt(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(strings.TrimPrefix(r.URL.Path, "/items/"), 10, 64)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	var in item
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, "not an item", http.StatusUnprocessableEntity)
		return
	}
	out, err := json.Marshal(receipt{ID: id, Name: in.Name, Tags: in.Tags, Total: uint64(in.Quantity) * in.Price})
	if err != nil {
		http.Error(w, "no receipt", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(out)
}

func serveDownload(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(download)))
	w.Write(download)
}

func serveCount(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, "the body broke off", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, strconv.FormatInt(n, 10))
}

func serveStream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	flusher, _ := w.(http.Flusher)
	for i := 0; i < chunks; i++ {
		if _, err := io.WriteString(w, chunk); err != nil {
			return
		}
		flusher.Flush()
	}
}
