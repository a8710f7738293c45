// Package picturetest has pictures to upload.
package picturetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/color"
	"image/png"
	"testing"
)

// PNG is a picture of one colour, so that two are two.
func PNG(t testing.TB, c color.Color, w, h int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Announce is the body of a request for the upload of a picture.
func Announce(content []byte, mediaType string) map[string]any {
	sum := sha256.Sum256(content)
	return map[string]any{"size": len(content), "media_type": mediaType, "sha256": hex.EncodeToString(sum[:])}
}
