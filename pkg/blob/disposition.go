package blob

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Disposition is the Content-Disposition header under which a browser saves what it gets by a file name (RFC 6266): for
// old browsers an ASCII name, and beside it the whole name (RFC 5987) when that says more. Nothing in a name gets out of
// its quotes, into another header or into another directory.
func Disposition(fileName string) string {
	plain, whole := strings.Builder{}, strings.Builder{}
	same := true
	for _, r := range fileName {
		switch {
		case r == utf8.RuneError || unicode.Is(unicode.C, r):
			same = false // no control characters, none that turn the direction of writing, nothing that is no text
			continue
		case r == '/' || r == '\\':
			r, same = '_', false
		}
		whole.WriteString(escaped(r))
		if r == '"' || r == '%' || r > '~' {
			r, same = '_', false
		}
		plain.WriteRune(r)
	}
	if plain.Len() == 0 {
		return "attachment"
	}
	header := `attachment; filename="` + plain.String() + `"`
	if !same {
		header += "; filename*=UTF-8''" + whole.String()
	}
	return header
}

// escaped writes a character as RFC 5987 wants it: attr-char as it is, anything else by its bytes.
func escaped(r rune) string {
	const digits = "0123456789ABCDEF"
	if r <= '~' && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("!#$&+-.^_`|~", r)) {
		return string(r)
	}
	var b strings.Builder
	for _, c := range []byte(string(r)) {
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}
