// Package scaling makes small pictures of what people upload. What it makes is drawn anew, dot by dot: nothing of the
// upload's bytes is left, neither where and when it was taken nor anything hidden behind it. It alone links what reads
// pictures.
package scaling

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"pixeltrack.io/platform/pkg/picture"
)

// What an upload may cost. Its bytes say little of it: a hundred of them can stand for a picture that fills the memory,
// and a JPEG can go over the same dots again and again.
const (
	MaxPixels = 25_000_000 // half a gigabyte while the worst of them is read
	maxScans  = 64         // of a JPEG; cameras write eleven at most
)

// quality of the JPEGs, of 100.
const quality = 88

// format reads one kind of pictures. Of a moving one it reads the first frame.
type format struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// formatOf tells by its first bytes what an upload is, not by what it was announced as.
func formatOf(upload []byte) (format, bool) {
	switch http.DetectContentType(upload) {
	case "image/jpeg":
		return format{jpeg.DecodeConfig, jpeg.Decode}, true
	case "image/png":
		return format{png.DecodeConfig, png.Decode}, true
	case "image/gif":
		return format{gif.DecodeConfig, gif.Decode}, true
	case "image/webp":
		return format{webp.DecodeConfig, webp.Decode}, true
	}
	return format{}, false
}

// Scale makes the two sizes of a picture. It fails with picture.ErrUnreadable and picture.ErrTooLarge, the latter before
// it has spent anything on the dots.
func Scale(upload []byte, style picture.Style) (picture.Scaled, error) {
	whole, err := read(upload)
	if err != nil {
		return picture.Scaled{}, err
	}
	turn := turnOf(upload)
	large := draught(whole, style, style.Large)
	small := turn.apply(draught(large, style, style.Small)) // the many dots of the upload are gone through once
	large = turn.apply(large)
	out := picture.Scaled{MediaType: "image/jpeg", Extension: ".jpg", Width: large.Rect.Dx(), Height: large.Rect.Dy()}
	if !style.Square {
		out.MediaType, out.Extension = "image/png", ".png"
	}
	for to, from := range map[*[]byte]*image.RGBA{&out.Large: large, &out.Small: small} {
		if *to, err = encode(from, style); err != nil {
			return picture.Scaled{}, err
		}
	}
	return out, nil
}

// read gives the dots of an upload, once it is known how many they are.
func read(upload []byte) (image.Image, error) {
	f, ok := formatOf(upload)
	if !ok {
		return nil, picture.ErrUnreadable
	}
	c, err := f.config(bytes.NewReader(upload))
	if err != nil || c.Width < 1 || c.Height < 1 {
		return nil, picture.ErrUnreadable
	}
	if int64(c.Width)*int64(c.Height) > MaxPixels || bytes.Count(upload, []byte{0xff, 0xda}) > maxScans {
		return nil, picture.ErrTooLarge
	}
	m, err := f.decode(bytes.NewReader(upload))
	if err != nil || m.Bounds().Empty() {
		return nil, picture.ErrUnreadable
	}
	return m, nil
}

// draught draws a picture at one size: the middle of it as a square on white, or the whole of it within a square, as it
// was, never larger than it was.
func draught(whole image.Image, style picture.Style, size int) *image.RGBA {
	b := whole.Bounds()
	if style.Square {
		side := min(b.Dx(), b.Dy())
		corner := b.Min.Add(image.Pt((b.Dx()-side)/2, (b.Dy()-side)/2))
		out := image.NewRGBA(image.Rect(0, 0, size, size))
		draw.Draw(out, out.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
		draw.CatmullRom.Scale(out, out.Rect, whole, image.Rectangle{Min: corner, Max: corner.Add(image.Pt(side, side))}, draw.Over, nil)
		return out
	}
	longest := max(b.Dx(), b.Dy())
	to := min(size, longest)
	out := image.NewRGBA(image.Rect(0, 0, max(1, b.Dx()*to/longest), max(1, b.Dy()*to/longest)))
	draw.CatmullRom.Scale(out, out.Rect, whole, b, draw.Src, nil)
	return out
}

func encode(m *image.RGBA, style picture.Style) ([]byte, error) {
	var out bytes.Buffer
	var err error
	if style.Square {
		err = jpeg.Encode(&out, m, &jpeg.Options{Quality: quality})
	} else {
		err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, m)
	}
	if err != nil {
		return nil, fmt.Errorf("scaling: encode: %w", err)
	}
	return out.Bytes(), nil
}
