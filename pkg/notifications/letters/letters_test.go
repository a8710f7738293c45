package letters_test

import (
	"testing"

	"pixeltrack.io/platform/pkg/account/choices"
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

func TestEveryKindThatCanBeChosenIsATemplate(t *testing.T) {
	known := map[string]bool{}
	for _, l := range letters.Templates() {
		known[l.Kind] = true
	}
	for _, k := range choices.Kinds() {
		if !known[k.ID] || k.Title == "" {
			t.Errorf("%q is no template, or has no title", k.ID)
		}
	}
}
