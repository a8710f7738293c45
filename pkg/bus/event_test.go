package bus_test

import (
	"slices"
	"testing"

	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/registry"
)

func TestEveryFieldOfEveryEventIsRegistered(t *testing.T) {
	for _, finding := range bus.Check(bus.Types()) {
		t.Error(finding)
	}
}

// Strange is an event that nobody registered well.
type Strange struct {
	bus.Row
	Name string `json:"name"`
}

// Type is another name than the type's.
func (Strange) Type() string { return "Odd" }

func TestCheck(t *testing.T) {
	got := bus.Check([]bus.Registered{{Sample: Strange{}, Fields: []registry.Field{{Name: "pk"}, registry.Internal("gone", "a word"), {Name: "sk", Why: "ids", Personal: true}}}})
	want := []string{
		"Odd.gone: registered, but the event has no such field",
		"Odd.name: not registered",
		"Odd.pk: no reason",
		"Odd.sk: personal, but nothing says how it goes",
		"Odd: the type is called Strange",
	}
	if !slices.Equal(got, want) {
		t.Errorf("Check = %q; want %q", got, want)
	}
}
