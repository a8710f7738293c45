package files_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"pixeltrack.io/platform/pkg/files"
)

func TestName(t *testing.T) {
	long := strings.Repeat("ö", 200)
	tests := []struct{ name, in, want string }{
		{"as it is", "Offer 2026 (final).pdf", "Offer 2026 (final).pdf"},
		{"a path of Unix", "/home/ada/Offer.pdf", "Offer.pdf"},
		{"a path of Windows", `C:\Users\Ada\Offer.pdf`, "Offer.pdf"},
		{"a way out", "../../etc/passwd", "passwd"},
		{"a hidden file", ".htaccess", "htaccess"},
		{"dots and spaces around", " . Offer.pdf. ", "Offer.pdf"},
		{"spaces within", "a \t\r\n b.txt", "a b.txt"},
		{"a direction turned", "exe.\u202efdp", "exe.fdp"},
		{"what nobody sees", "a\u200bb\u0007c\ufeff.txt", "abc.txt"},
		{"no text", "a\xffb", "ab"},
		{"quotes", `a"b'c.txt`, `a"b'c.txt`},
		{"nothing", "", ""},
		{"nothing but dots", "...", ""},
		{"a directory", "a/", ""},
		{"too long", long + ".pdf", strings.Repeat("ö", 125) + ".pdf"},
		{"too long without an extension", long, strings.Repeat("ö", 127)},
		{"an extension that is too long", "a." + long, "a." + strings.Repeat("ö", 126)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := files.Name(tt.in); got != tt.want {
				t.Errorf("Name(%q) = %q; want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestNameIsFitForAnyFileSystem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("a.ö /\\\x00\u202e\u00a0")), 0, 400, -1),
			rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) })).Draw(t, "text")
		name := files.Name(text)
		if len(name) > 255 || !utf8.ValidString(name) || strings.ContainsAny(name, "/\\") || name != strings.Trim(name, ". ") ||
			strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.C, r) || unicode.IsSpace(r) && r != ' ' }) {
			t.Errorf("Name(%q) = %q", text, name)
		}
		if again := files.Name(name); again != name {
			t.Errorf("Name(%q) = %q; want it as it is", name, again)
		}
	})
}
