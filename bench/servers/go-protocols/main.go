// Command go-protocols serves over HTTP/2 with prior knowledge, TLS and WebSocket: net/http with golang.org/x/net's h2c
// and gorilla/websocket.
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

	"github.com/gorilla/websocket"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

var (
	download = bytes.Repeat([]byte("abcdefghijklmnopqrstuvwxyz"), 1<<20/26+1)[:1<<20]
	upgrader = websocket.Upgrader{}
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/", serveHello)
	mux.HandleFunc("/download", serveDownload)
	mux.HandleFunc("/ws", serveEcho)
	if port := os.Getenv("TLS_PORT"); port != "" {
		go func() {
			log.Fatal(http.ListenAndServeTLS("127.0.0.1:"+port, os.Getenv("CERTIFICATE"), os.Getenv("KEY"), mux))
		}()
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, h2c.NewHandler(mux, &http2.Server{})))
}

func serveHello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, "Hello, World!")
}

func serveDownload(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(download)))
	w.Write(download)
}

func serveEcho(w http.ResponseWriter, r *http.Request) {
	connection, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer connection.Close()
	for {
		kind, message, err := connection.ReadMessage()
		if err != nil {
			return
		}
		if err := connection.WriteMessage(kind, message); err != nil {
			return
		}
	}
}
