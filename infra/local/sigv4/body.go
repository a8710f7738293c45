package sigv4

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// The schemes of bodies that come in chunks (aws-chunked).
const (
	streamUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	streamSigned          = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamSignedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"

	maxChunk = 64 << 20
	minChunk = 8 << 10 // of every chunk but the last
)

// ErrBody is what a reader of a body ends with when the body is not the one that was signed.
var ErrBody = errors.New("sigv4: the body is not the one that was signed")

// ErrChunks is what it ends with when the chunks cannot be read.
var ErrChunks = errors.New("sigv4: malformed aws-chunked body")

// Body reads the content of a request, freed of its chunks, and holds it to what was signed. Trailers arrive in the
// header given, after the end has been read.
func (s *Signed) Body(r *http.Request, trailer http.Header) (io.Reader, error) {
	switch s.PayloadHash {
	case Unsigned:
		return r.Body, nil
	case streamUnsignedTrailer:
		return &chunks{r: bufio.NewReader(r.Body), trailer: trailer}, nil
	case streamSigned, streamSignedTrailer:
		return &chunks{r: bufio.NewReader(r.Body), trailer: trailer, signed: s, previous: s.signature}, nil
	}
	if len(s.PayloadHash) != 2*sha256.Size {
		return nil, &Error{http.StatusBadRequest, "InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a streaming scheme, or a valid sha256 value."}
	}
	return &hashed{r: r.Body, sum: sha256.New(), want: s.PayloadHash}, nil
}

// Chunked says whether the body comes in chunks, so that its length is not the content's.
func (s *Signed) Chunked() bool { return strings.HasPrefix(s.PayloadHash, "STREAMING-") }

type hashed struct {
	r    io.Reader
	sum  hash.Hash
	want string
}

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	h.sum.Write(p[:n]) // never fails
	if errors.Is(err, io.EOF) && hex.EncodeToString(h.sum.Sum(nil)) != h.want {
		return n, ErrBody
	}
	return n, err
}

// chunks reads aws-chunked: size in hex, an optional signature, the bytes; a chunk of size 0 and trailers at the end.
type chunks struct {
	r        *bufio.Reader
	trailer  http.Header
	signed   *Signed // nil for unsigned chunks
	previous string
	left     int
	size     int // of the chunk before
	sum      hash.Hash
	want     string
	done     bool
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.done {
		return 0, io.EOF
	}
	if c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
		if c.done {
			return 0, io.EOF
		}
	}
	n, err := c.r.Read(p[:min(len(p), c.left)])
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	c.left -= n
	if c.sum != nil {
		c.sum.Write(p[:n]) // never fails
	}
	if c.left == 0 && err == nil {
		err = c.end()
	}
	return n, err
}

func (c *chunks) next() error {
	line, err := c.line()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF // a chunk of size 0 ends a body, and nothing else
	}
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(size, 16, 32)
	if err != nil || n > maxChunk {
		return ErrChunks
	}
	if c.signed != nil {
		c.want = strings.TrimPrefix(extension, "chunk-signature=")
		c.sum = sha256.New()
	}
	if n > 0 {
		if c.size > 0 && c.size < minChunk {
			return &Error{http.StatusBadRequest, "InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than 8192 bytes"}
		}
		c.left, c.size = int(n), int(n)
		return nil
	}
	if err := c.checkChunk(); err != nil {
		return err
	}
	c.done = true
	return c.trailers()
}

// end closes a chunk that has been read.
func (c *chunks) end() error {
	if line, err := c.line(); err != nil || line != "" {
		return ErrChunks
	}
	return c.checkChunk()
}

func (c *chunks) checkChunk() error {
	if c.signed == nil {
		return nil
	}
	text := strings.Join([]string{"AWS4-HMAC-SHA256-PAYLOAD", c.signed.date, c.signed.scope, c.previous,
		emptyHash(), hex.EncodeToString(c.sum.Sum(nil))}, "\n")
	if err := c.compare(text, c.want); err != nil {
		return err
	}
	c.previous = c.want
	return nil
}

func (c *chunks) compare(text, signature string) error {
	if !hmac.Equal([]byte(hex.EncodeToString(mac(c.signed.key, text))), []byte(signature)) {
		return mismatch()
	}
	return nil
}

func (c *chunks) trailers() error {
	var text strings.Builder
	for {
		line, err := c.line()
		if errors.Is(err, io.EOF) || err == nil && line == "" {
			return nil
		}
		if err != nil {
			return err
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return ErrChunks
		}
		if strings.EqualFold(name, "x-amz-trailer-signature") {
			if c.signed == nil {
				return ErrChunks
			}
			return c.compare(strings.Join([]string{"AWS4-HMAC-SHA256-TRAILER", c.signed.date, c.signed.scope, c.previous,
				hashText(text.String())}, "\n"), strings.TrimSpace(value))
		}
		fmt.Fprintf(&text, "%s:%s\n", strings.ToLower(name), strings.TrimSpace(value))
		c.trailer.Set(name, strings.TrimSpace(value))
	}
}

func (c *chunks) line() (string, error) {
	line, err := c.r.ReadString('\n')
	if errors.Is(err, io.EOF) && line == "" {
		return "", io.EOF
	}
	if err != nil {
		return "", ErrChunks
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func emptyHash() string { return hashText("") }

func hashText(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
