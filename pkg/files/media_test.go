package files

import "testing"

func TestAgrees(t *testing.T) {
	const (
		png  = "\x89PNG\x0d\x0a\x1a\x0a...."
		jpeg = "\xff\xd8\xff\xe0....JFIF"
		zip  = "PK\x03\x04.........."
		mp4  = "\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"
		heic = "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
		ole  = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00\x00"
		exe  = "MZ\x90\x00\x03\x00\x00\x00\x04\x00"
		html = "<!DOCTYPE html><html><script>alert(1)</script>"
		svg  = "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\">"
		csv  = "name,hours\nAda,3\n"
		json = "{\"name\":\"Ada\"}"
	)
	tests := []struct {
		name, declared, head string
		want                 bool
	}{
		{"what it is", "image/png", png, true},
		{"a picture that is another", "image/png", jpeg, false},
		{"a picture that is a page", "image/png", html, false},
		{"a picture that is a program", "image/png", exe, false},
		{"a picture that is text", "image/jpeg", csv, false},
		{"another name of JPEG", "image/jpg", jpeg, true},
		{"a document that is a page", "application/pdf", html, false},
		{"a document that is unknown", "application/pdf", exe, false},
		{"Word", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", zip, true},
		{"LibreOffice", "application/vnd.oasis.opendocument.text", zip, true},
		{"Excel with macros", "application/vnd.ms-excel.sheet.macroenabled.12", zip, true},
		{"Word that is none", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", exe, false},
		{"Word that is text", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", csv, false},
		{"an archive that is a picture", "application/zip", png, false},
		{"a picture that is an archive", "image/png", zip, false},
		{"Word of old", "application/msword", ole, true},
		{"CSV", "text/csv", csv, true},
		{"CSV that is a page", "text/csv", html, false},
		{"CSV that is a program", "text/csv", exe, false},
		{"JSON", "application/json", json, true},
		{"JSON that is a picture", "application/json", png, false},
		{"SVG", "image/svg+xml", svg, true},
		{"SVG after a comment", "image/svg+xml", "<!-- made by hand --><svg></svg>", true},
		{"SVG that is a page", "image/svg+xml", html, false},
		{"SVG that is text", "image/svg+xml", "<svg xmlns=\"http://www.w3.org/2000/svg\">", true},
		{"XML", "application/xml", svg, true},
		{"Markdown with a heading of HTML", "text/markdown", "<h1>Plan</h1>", true},
		{"a page", "text/html", html, true},
		{"RTF", "application/rtf", "{\\rtf1\\ansi", true},
		{"a film", "video/mp4", mp4, true},
		{"a photograph of a telephone", "image/heic", heic, true},
		{"a film that is none", "video/mp4", png, false},
		{"a film that is too short", "video/mp4", "ftyp", false},
		{"a recording", "audio/ogg", "OggS\x00\x02", true},
		{"MP3 without a mark", "audio/mpeg", "\xff\xfb\x90\x00\x00\x00", true},
		{"anything", "application/octet-stream", exe, true},
		{"anything, though it is a page", "application/octet-stream", html, true},
		{"a type nobody knows", "application/x-blender", "BLENDER\x00\x01", true},
		{"a type nobody knows that is a page", "application/x-blender", html, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := agrees(tt.declared, []byte(tt.head)); got != tt.want {
				t.Errorf("agrees(%s, %q) = %v; want %v", tt.declared, tt.head, got, tt.want)
			}
		})
	}
}

func TestMediaType(t *testing.T) {
	for in, want := range map[string]string{"Image/PNG": "image/png", "text/plain; charset=utf-8": "text/plain", "image/svg+xml": "image/svg+xml", "pdf": "", "a/b/c": "", "*/*": "", "": ""} {
		if got, ok := mediaType(in); got != want || ok != (want != "") {
			t.Errorf("mediaType(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
}

// FuzzAgrees looks for content that breaks the check, and for pictures that something else passes for.
func FuzzAgrees(f *testing.F) {
	f.Add("image/png", []byte("\x89PNG\x0d\x0a\x1a\x0a"))
	f.Add("text/csv", []byte("a,b"))
	f.Fuzz(func(t *testing.T, declared string, head []byte) {
		if declared, ok := mediaType(declared); ok {
			agrees(declared, head)
		}
		if agrees("image/png", head) && (len(head) < 4 || string(head[1:4]) != "PNG") {
			t.Errorf("%q passes for a picture", head)
		}
	})
}
