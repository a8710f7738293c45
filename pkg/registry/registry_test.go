package registry_test

import (
	"slices"
	"strings"
	"testing"

	"pixeltrack.io/platform/pkg/registry"
)

type stored struct {
	ID     string `dynamo:"id"`
	Name   string `dynamo:"name"`
	Object string `dynamo:"object"`
}

func TestAStoredObjectNeedsAName(t *testing.T) {
	row := registry.Row{Sample: stored{}, Type: "STORED", Area: "test", Purpose: "test", Class: registry.ClassProject, Family: "STORED", Scopes: []registry.Scope{registry.InOrganization},
		Fields: []registry.Field{registry.Plain("id", "a random id"), registry.Plain("name", "a name"), registry.Stored("object", registry.FilesBucket, "a key", registry.KeepController)}}
	if got := registry.Check([]registry.Row{row}); len(got) != 0 {
		t.Errorf("Check = %q; want nothing", got)
	}
	row.Fields[1] = registry.Internal("name", "a name")
	if got := registry.Check([]registry.Row{row}); !slices.ContainsFunc(got, func(f string) bool { return strings.Contains(f, "no name") }) {
		t.Errorf("Check = %q; want the missing name", got)
	}
}
