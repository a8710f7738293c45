package files

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the most bytes that a name has, as file systems have it.
const maxName = 255

// Name makes a file name of what a client says one is: the last part of a path, without characters that nobody sees or
// that turn the direction of writing, on one line, without dots and spaces around it, and at most 255 bytes long with its
// extension. It is empty when nothing is left. A name that it gave it gives again.
func Name(text string) string {
	if i := strings.LastIndexAny(text, `/\`); i >= 0 {
		text = text[i+1:]
	}
	var b strings.Builder
	space := false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case r == utf8.RuneError || unicode.Is(unicode.C, r):
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return shorten(trim(b.String()))
}

// trim takes away what a file system would take for something else, or drop.
func trim(name string) string { return strings.Trim(name, ". ") }

// shorten cuts a name in front of its extension.
func shorten(name string) string {
	if len(name) <= maxName {
		return name
	}
	extension := path.Ext(name)
	if len(extension) > 20 {
		extension = ""
	}
	stem := name[:maxName-len(extension)]
	for !utf8.ValidString(stem) {
		stem = stem[:len(stem)-1]
	}
	return trim(trim(stem) + extension)
}
