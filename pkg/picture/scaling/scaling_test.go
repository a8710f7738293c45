package scaling_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"pixeltrack.io/platform/pkg/picture"
	"pixeltrack.io/platform/pkg/picture/scaling"
)

var (
	square = picture.Style{Square: true, Large: 64, Small: 16}
	whole  = picture.Style{Large: 64, Small: 16}

	red   = color.RGBA{R: 255, A: 255}
	blue  = color.RGBA{B: 255, A: 255}
	white = color.RGBA{R: 255, G: 255, B: 255, A: 255}
)

// halves is red on the left and blue on the right.
func halves(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, red)
			if x >= w/2 {
				m.SetRGBA(x, y, blue)
			}
		}
	}
	return m
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asGIF(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exif puts a block into a JPEG that says how it lies, and where it was taken.
func exif(upload []byte, orientation uint16) []byte {
	var tiff bytes.Buffer
	tiff.WriteString("MM\x00\x2a\x00\x00\x00\x08\x00\x02")
	tiff.Write([]byte{0x01, 0x0f, 0, 2, 0, 0, 0, 8, 0, 0, 0, 38}) // who made the camera: at 38
	tiff.Write([]byte{0x01, 0x12, 0, 3, 0, 0, 0, 1, byte(orientation >> 8), byte(orientation), 0, 0})
	tiff.Write([]byte{0, 0, 0, 0})
	tiff.WriteString("at home\x00")
	body := append([]byte("Exif\x00\x00"), tiff.Bytes()...)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2))
	return append(append(append([]byte{}, upload[:2]...), append(segment, body...)...), upload[2:]...)
}

func decoded(t *testing.T, b []byte) image.Image {
	t.Helper()
	m, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// near says whether a dot has nearly a colour.
func near(m image.Image, x, y int, want color.Color) bool {
	r, g, b, a := m.At(x, y).RGBA()
	wr, wg, wb, wa := want.RGBA()
	for _, d := range []int{int(r) - int(wr), int(g) - int(wg), int(b) - int(wb), int(a) - int(wa)} {
		if d > 0x1800 || d < -0x1800 {
			return false
		}
	}
	return true
}

const lossyWebP = "UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAwA0JaQAA3AA/vuUAAA="

func webP(t testing.TB) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(lossyWebP)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEveryFormatIsDrawnAnew(t *testing.T) {
	for name, upload := range map[string][]byte{"jpeg": asJPEG(t, halves(100, 60)), "png": asPNG(t, halves(100, 60)), "gif": asGIF(t, halves(100, 60))} {
		t.Run(name, func(t *testing.T) {
			s, err := scaling.Scale(upload, square)
			if err != nil || s.MediaType != "image/jpeg" || s.Extension != ".jpg" || s.Width != 64 || s.Height != 64 {
				t.Fatalf("the square = %+v, %v", s, err)
			}
			for size, b := range map[int][]byte{64: s.Large, 16: s.Small} {
				m := decoded(t, b)
				if m.Bounds().Dx() != size || m.Bounds().Dy() != size || !near(m, 2, size/2, red) || !near(m, size-3, size/2, blue) {
					t.Errorf("of %d dots = %v %v %v; want the middle, red and blue", size, m.Bounds(), m.At(2, size/2), m.At(size-3, size/2))
				}
			}
			s, err = scaling.Scale(upload, whole)
			if err != nil || s.MediaType != "image/png" || s.Extension != ".png" || s.Width != 64 || s.Height != 38 {
				t.Fatalf("the whole = %d × %d %s, %v; want it in its shape", s.Width, s.Height, s.MediaType, err)
			}
			if m := decoded(t, s.Small); m.Bounds().Dx() != 16 || m.Bounds().Dy() != 9 {
				t.Errorf("the small whole = %v", m.Bounds())
			}
		})
	}
	if s, err := scaling.Scale(webP(t), square); err != nil || decoded(t, s.Large).Bounds().Dx() != 64 {
		t.Errorf("of WebP = %v", err)
	}
	if s, err := scaling.Scale(webP(t), whole); err != nil || s.Width != 1 || s.Height != 1 {
		t.Errorf("one dot within 64 = %d × %d, %v; want it no larger than it was", s.Width, s.Height, err)
	}
	a, _ := scaling.Scale(asPNG(t, halves(100, 60)), whole)
	b, _ := scaling.Scale(asPNG(t, halves(100, 60)), whole)
	if !bytes.Equal(a.Large, b.Large) || !bytes.Equal(a.Small, b.Small) {
		t.Error("drawn again it is another picture")
	}
}

func TestWhatIsTransparent(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 20, 20))
	s, err := scaling.Scale(asPNG(t, m), square)
	if err != nil || !near(decoded(t, s.Large), 32, 32, white) {
		t.Errorf("on a square = %v; want white", err)
	}
	s, err = scaling.Scale(asPNG(t, m), whole)
	if err != nil || !near(decoded(t, s.Large), 10, 10, color.Transparent) {
		t.Errorf("of a whole = %v; want it transparent", err)
	}
}

func TestAPictureIsTurnedUprightAndSaysNothing(t *testing.T) {
	tests := map[uint16][2]image.Point{ // where red and blue are afterwards, of 60
		1: {{2, 30}, {57, 30}}, 2: {{57, 30}, {2, 30}}, 3: {{57, 30}, {2, 30}}, 4: {{2, 30}, {57, 30}},
		5: {{30, 2}, {30, 57}}, 6: {{30, 2}, {30, 57}}, 7: {{30, 57}, {30, 2}}, 8: {{30, 57}, {30, 2}},
		0: {{2, 30}, {57, 30}}, 9: {{2, 30}, {57, 30}},
	}
	for orientation, want := range tests {
		t.Run(fmt.Sprint(orientation), func(t *testing.T) {
			upload := exif(asJPEG(t, halves(60, 60)), orientation)
			s, err := scaling.Scale(upload, picture.Style{Square: true, Large: 60, Small: 60})
			if err != nil {
				t.Fatal(err)
			}
			m := decoded(t, s.Large)
			if !near(m, want[0].X, want[0].Y, red) || !near(m, want[1].X, want[1].Y, blue) {
				t.Errorf("red is not at %v or blue not at %v", want[0], want[1])
			}
			for _, b := range [][]byte{s.Large, s.Small} {
				if bytes.Contains(b, []byte("Exif")) || bytes.Contains(b, []byte("at home")) {
					t.Error("it says what the camera wrote")
				}
			}
		})
	}
	s, err := scaling.Scale(exif(asJPEG(t, halves(60, 30)), 6), whole)
	if err != nil || s.Width != 30 || s.Height != 60 {
		t.Errorf("a wide picture of an upright thing = %d × %d, %v; want it upright", s.Width, s.Height, err)
	}
	corner := halves(60, 60)
	corner.SetRGBA(59, 0, white)
	for y := range 20 {
		for x := 40; x < 60; x++ {
			corner.SetRGBA(x, y, white)
		}
	}
	at := map[uint16]image.Point{1: {55, 4}, 2: {4, 4}, 3: {4, 55}, 4: {55, 55}, 5: {4, 55}, 6: {55, 55}, 7: {55, 4}, 8: {4, 4}}
	for orientation, want := range at {
		s, err := scaling.Scale(exif(asJPEG(t, corner), orientation), picture.Style{Square: true, Large: 60, Small: 16})
		if err != nil || !near(decoded(t, s.Large), want.X, want.Y, white) {
			t.Errorf("by orientation %d the right upper corner is not at %v (%v)", orientation, want, err)
		}
	}
}

// vast is a PNG of some hundred bytes that says it has so many dots.
func vast(t testing.TB, w, h uint32) []byte {
	b := asPNG(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	head := b[16:29] // IHDR
	binary.BigEndian.PutUint32(head[0:], w)
	binary.BigEndian.PutUint32(head[4:], h)
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return b
}

func TestABombIsRefusedBeforeItGoesOff(t *testing.T) {
	scans := asJPEG(t, halves(8, 8))
	scans = append(scans, bytes.Repeat([]byte{0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0}, 100)...)
	tests := []struct {
		name   string
		upload []byte
		want   error
	}{
		{"nothing", nil, picture.ErrUnreadable},
		{"a text", []byte("hello"), picture.ErrUnreadable},
		{"a page", []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), picture.ErrUnreadable},
		{"a beginning", asPNG(t, halves(9, 9))[:40], picture.ErrUnreadable},
		{"a beginning of a JPEG", asJPEG(t, halves(9, 9))[:30], picture.ErrUnreadable},
		{"a name alone", []byte("GIF89a"), picture.ErrUnreadable},
		{"no dots", vast(t, 0, 10), picture.ErrUnreadable},
		{"30000 by 30000", vast(t, 30000, 30000), picture.ErrTooLarge},
		{"a dot too many", vast(t, 5000, 5001), picture.ErrTooLarge},
		{"as many as there may be, that are not there", vast(t, 5000, 5000), picture.ErrUnreadable},
		{"more than can be counted", vast(t, 1<<31-1, 1<<31-1), picture.ErrUnreadable},
		{"the same dots a hundred times", scans, picture.ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := scaling.Scale(tt.upload, square); !errors.Is(err, tt.want) {
				t.Errorf("Scale = %v; want %v", err, tt.want)
			}
		})
	}
}

func FuzzScale(f *testing.F) {
	for _, seed := range [][]byte{asPNG(f, halves(9, 5)), asJPEG(f, halves(9, 5)), asGIF(f, halves(9, 5)), webP(f), exif(asJPEG(f, halves(9, 5)), 6)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, upload []byte) {
		s, err := scaling.Scale(upload, square)
		if err == nil && (s.Width != 64 || s.Height != 64 || len(s.Large) == 0 || len(s.Small) == 0) {
			t.Errorf("a picture of %d × %d", s.Width, s.Height)
		}
		if err != nil && !errors.Is(err, picture.ErrUnreadable) && !errors.Is(err, picture.ErrTooLarge) {
			t.Errorf("Scale = %v", err)
		}
	})
}
