package scaling

import (
	"bytes"
	"image"
	"net/http"

	"github.com/bep/imagemeta"
)

// turn is how a picture lies in its file, by the numbers of EXIF: 1 is upright, others are turned and mirrored. A camera
// that is held upright writes that down instead of turning the picture, and what is drawn anew has nothing to write it into.
type turn int

const upright turn = 1

// turnOf reads how an upload lies; what says nothing, or nothing that can be read, is upright.
func turnOf(upload []byte) turn {
	var f imagemeta.ImageFormat
	switch http.DetectContentType(upload) {
	case "image/jpeg":
		f = imagemeta.JPEG
	case "image/png":
		f = imagemeta.PNG
	case "image/webp":
		f = imagemeta.WebP
	default:
		return upright
	}
	found := upright
	_, err := imagemeta.Decode(imagemeta.Options{R: bytes.NewReader(upload), ImageFormat: f, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(t imagemeta.TagInfo) bool { return t.Tag == "Orientation" && t.Namespace == "IFD0" },
		HandleTag: func(t imagemeta.TagInfo) error {
			if n, ok := t.Value.(uint16); ok && n >= 1 && n <= 8 {
				found = turn(n)
			}
			return imagemeta.ErrStopWalking
		}})
	if err != nil {
		return upright
	}
	return found
}

// apply gives a picture upright.
func (t turn) apply(m *image.RGBA) *image.RGBA {
	if t == upright {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if t >= 5 {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			from := t.source(x, y, w, h)
			out.SetRGBA(x, y, m.RGBAAt(from.X, from.Y))
		}
	}
	return out
}

// source is which dot of a picture of w by h comes to x, y when it is turned upright.
func (t turn) source(x, y, w, h int) image.Point {
	switch t {
	case 2:
		return image.Pt(w-1-x, y)
	case 3:
		return image.Pt(w-1-x, h-1-y)
	case 4:
		return image.Pt(x, h-1-y)
	case 5:
		return image.Pt(y, x)
	case 6:
		return image.Pt(y, h-1-x)
	case 7:
		return image.Pt(w-1-y, h-1-x)
	case 8:
		return image.Pt(w-1-y, x)
	}
	return image.Pt(x, y)
}
