// Package papertest reads the text of the documents of package paper back, for tests.
package papertest

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf16"
)

var shown = regexp.MustCompile(`(?s)\(((?:[^\\()]|\\.)*)\) ?Tj`)

// Text gives the texts of a document, each on a line of its own.
func Text(pdf []byte) (string, error) {
	var out strings.Builder
	for {
		_, rest, ok := bytes.Cut(pdf, []byte("stream\n"))
		if !ok {
			return out.String(), nil
		}
		stream, after, ok := bytes.Cut(rest, []byte("\nendstream"))
		if !ok {
			return "", fmt.Errorf("papertest: a stream does not end")
		}
		pdf = after
		content := stream
		if r, err := zlib.NewReader(bytes.NewReader(stream)); err == nil {
			if content, err = io.ReadAll(r); err != nil {
				return "", fmt.Errorf("papertest: inflate: %w", err)
			}
		}
		for _, m := range shown.FindAllSubmatch(content, -1) {
			out.WriteString(decode(m[1]) + "\n")
		}
	}
}

// decode reads a string of a document in UTF-16.
func decode(text []byte) string {
	var plain []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
			if text[i] == 'r' {
				plain = append(plain, '\r')
				continue
			}
		}
		plain = append(plain, text[i])
	}
	var units []uint16
	for i := 0; i+1 < len(plain); i += 2 {
		units = append(units, uint16(plain[i])<<8|uint16(plain[i+1]))
	}
	return string(utf16.Decode(units))
}
