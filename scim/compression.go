package scim

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// smallestCompressed is how long the first part of an answer must be for it to be compressed: what fits into a few packets isn't
// sent any faster for it.
const smallestCompressed = 4 << 10

// varyEncoding says that an answer depends on what encodings the client takes.
var (
	varyEncoding = []string{"Accept-Encoding"}
	gzipEncoding = []string{"gzip"}
)

// zippers are the writers that compress answers, which are large.
var zippers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is one that there is
	return w
}}

// compress decides whether the answer that begins is compressed: if it is long, the client takes gzip, and the answer has no
// secrets. Somebody who can make a client send words of their choice, and sees how long the answers are, could find out a secret
// that stands beside these words in a compressed answer (the attack BREACH). A type with attributes in Options.Sensitive has such
// secrets; passwords are in no answer.
func (x *exchange) compress() {
	if len(x.buf) < smallestCompressed || x.r.Method == http.MethodHead || x.h.opts.DisableCompression || x.secret {
		return
	}
	h := x.w.Header()
	h["Vary"] = varyEncoding
	values := x.r.Header["Accept-Encoding"]
	if len(values) == 0 || quality(values, "gzip") <= 0 {
		return
	}
	h["Content-Encoding"] = gzipEncoding
	h.Del("Content-Length")
	x.zip = zippers.Get().(*gzip.Writer)
	x.zip.Reset(x.w)
}

// endCompression ends a compressed answer; broken says that it is not whole.
func (x *exchange) endCompression(broken bool) {
	if x.zip == nil {
		return
	}
	if !broken {
		_ = x.zip.Close() // a client that has gone is no failure of the service
	}
	x.zip.Reset(nil)
	zippers.Put(x.zip)
	x.zip = nil
}

// errTooLong says that a compressed body is longer than an uncompressed one may be.
var errTooLong = errors.New("scim: the body is too large")

// bodyReader is the request's body, decompressed. The caller bounds how long the result may be. Here only a client is stopped that
// sends on and on while nothing comes of it.
func (x *exchange) bodyReader() (io.Reader, error) {
	switch encoding := x.r.Header.Get("Content-Encoding"); {
	case encoding == "", strings.EqualFold(encoding, "identity"):
		return x.r.Body, nil
	case strings.EqualFold(encoding, "gzip"), strings.EqualFold(encoding, "x-gzip"):
		const more = 1 << 10 // what gzip adds to what it can't make smaller
		r, err := gzip.NewReader(&bounded{x.r.Body, x.bodyLimit + x.bodyLimit/100 + more})
		if err != nil {
			return nil, badRequest("invalidSyntax", "the body is not gzip, though Content-Encoding says so")
		}
		return r, nil
	}
	return nil, &Error{Status: http.StatusUnsupportedMediaType, Detail: "Content-Encoding: bodies are taken uncompressed or in gzip"}
}

// bounded reads up to a number of bytes, and fails beyond.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
