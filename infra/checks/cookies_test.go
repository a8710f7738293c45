package checks_test

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pixeltrack.io/platform/pkg/privacy"
)

// Cookies have the prefixes of RFC 6265bis, so that a name in the code is known for one.
func TestEveryCookieIsInTheCatalogue(t *testing.T) {
	named := regexp.MustCompile(`__(?:Host|Secure)-[A-Za-z0-9_-]+`)
	var listed []string
	for _, c := range privacy.Cookies() {
		listed = append(listed, c.Name)
		if !c.Secure || !c.HTTPOnly || c.SameSite != "Strict" || named.FindString(c.Name) != c.Name {
			t.Errorf("%s is not Secure, HttpOnly, SameSite=Strict and prefixed", c.Name)
		}
	}
	found := map[string]bool{}
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, "pkg", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || path == "pkg/privacy/cookies.go" {
			return err
		}
		text, err := fs.ReadFile(tree, path)
		for _, name := range named.FindAllString(string(text), -1) {
			found[name] = true
			if !slices.Contains(listed, name) {
				t.Errorf("%s: %s is not in the catalogue of cookies", path, name)
			}
		}
		return err
	})
	if err != nil || len(found) == 0 {
		t.Errorf("%d cookies found: %v", len(found), err)
	}
}
