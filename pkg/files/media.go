package files

import (
	"bytes"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// sniffed is how many bytes of a file tell what it is.
const sniffed = 512

const anything = "application/octet-stream"

// mediaType reads a declared media type: in lower case and without parameters. It is false for what is none.
func mediaType(text string) (string, bool) {
	t, _, err := mime.ParseMediaType(text)
	if err != nil || strings.Count(t, "/") != 1 || strings.ContainsAny(t, "* ") {
		return "", false
	}
	return t, true
}

// agrees says whether the first bytes of a file do not contradict what it was declared to be. Content that nothing
// recognises agrees with every type that has no mark of its own to be recognised by.
func agrees(declared string, head []byte) bool {
	found, _, _ := strings.Cut(http.DetectContentType(head), ";")
	switch {
	case declared == anything || declared == found:
		return true
	case slices.Contains(boxed(), declared): // the boxes of MP4, which have many marks
		return len(head) >= 8 && bytes.Equal(head[4:8], []byte("ftyp"))
	case found == anything:
		return !textual(declared) && !marked(declared)
	case found == "text/plain":
		return textual(declared) || declared == "application/rtf" && bytes.HasPrefix(head, []byte(`{\rtf`))
	case found == "text/xml":
		return declared == "application/xml" || declared == "text/plain" || strings.HasSuffix(declared, "+xml")
	case found == "text/html":
		return slices.Contains([]string{"application/xhtml+xml", "text/markdown", "text/plain"}, declared) ||
			declared == "image/svg+xml" && bytes.Contains(head, []byte("<svg"))
	}
	for _, e := range equivalents() {
		if e.found == found {
			return slices.ContainsFunc(e.declared, func(d string) bool { return strings.HasPrefix(declared, d) })
		}
	}
	return false
}

// boxed are the types of files in the boxes of MP4.
func boxed() []string {
	return []string{"video/mp4", "audio/mp4", "audio/x-m4a", "video/x-m4v", "video/quicktime", "video/3gpp", "image/heic", "image/heif", "image/avif"}
}

// textual says whether files of a type are text.
func textual(declared string) bool {
	return strings.HasPrefix(declared, "text/") || strings.HasSuffix(declared, "+json") || strings.HasSuffix(declared, "+xml") ||
		slices.Contains([]string{"application/json", "application/x-ndjson", "application/xml", "application/yaml", "application/x-yaml", "application/toml",
			"application/javascript", "application/sql", "application/x-sh", "application/x-subrip", "message/rfc822"}, declared)
}

// marked says whether files of a type begin with a mark that would have been recognised.
func marked(declared string) bool {
	if slices.Contains([]string{"application/pdf", "application/postscript", "application/zip", "application/wasm", "application/ogg",
		"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "video/webm", "video/avi"}, declared) {
		return true
	}
	return slices.ContainsFunc(equivalents(), func(e equivalent) bool {
		return slices.ContainsFunc(e.declared, func(d string) bool { return strings.HasPrefix(declared, d) })
	})
}

// equivalent is a type by content, and the beginnings of the other names under which such content is declared.
type equivalent struct {
	found    string
	declared []string
}

func equivalents() []equivalent {
	return []equivalent{
		{"application/zip", []string{"application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.", "application/epub+zip",
			"application/x-zip-compressed", "application/java-archive", "application/vnd.apple.pages", "application/vnd.apple.numbers", "application/vnd.apple.keynote",
			"application/vnd.ms-excel.sheet.", "application/vnd.ms-word.document.", "application/vnd.ms-powerpoint.presentation."}},
		{"application/x-gzip", []string{"application/gzip"}},
		{"application/x-rar-compressed", []string{"application/vnd.rar"}},
		{"application/pdf", []string{"application/illustrator", "application/vnd.adobe.illustrator"}},
		{"image/jpeg", []string{"image/jpg", "image/pjpeg"}},
		{"image/bmp", []string{"image/x-ms-bmp"}},
		{"image/x-icon", []string{"image/vnd.microsoft.icon"}},
		{"audio/wave", []string{"audio/wav", "audio/x-wav", "audio/vnd.wave"}},
		{"audio/aiff", []string{"audio/x-aiff"}},
		{"application/ogg", []string{"audio/ogg", "video/ogg", "audio/opus"}},
		{"video/webm", []string{"audio/webm", "video/x-matroska"}},
		{"video/avi", []string{"video/x-msvideo", "video/msvideo"}},
	}
}
