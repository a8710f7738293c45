package letters_test

import (
	"testing"

	"pixeltrack.io/platform/pkg/notifications/letters"
)

func TestEveryTemplateHasANameOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range letters.Templates() {
		if l.Kind == "" || l.Compose == nil || seen[l.Kind] {
			t.Errorf("template %q: twice, or without a name or a text", l.Kind)
		}
		seen[l.Kind] = true
	}
}
