package checks_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"pixeltrack.io/platform/infra/checks"
	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/catalog"
)

const root = "../.."

// list is the catalog as the checks see it.
func list() []checks.Operation {
	var all []checks.Operation
	for _, r := range catalog.Routes() {
		all = append(all, checks.Operation{ID: r.ID, Area: r.Area, Method: r.Method, Path: r.Path, Tokens: r.TakesTokens()})
	}
	for _, j := range catalog.Jobs() {
		all = append(all, checks.Operation{ID: j.ID, Area: j.Area, Triggers: j.Triggers})
	}
	return all
}

var update = flag.Bool("update", false, "write the units of the ledger into the table of access patterns")

func TestTheTreeKeepsItsRules(t *testing.T) {
	if *update {
		patterns, err := checks.Patterns(os.DirFS(root))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "pkg/store/doc.go"), patterns, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, finding := range checks.Check(os.DirFS(root), list()) {
		t.Error(finding)
	}
}

func TestEveryTriggerIsAnEventAndEveryEventIsTaken(t *testing.T) {
	taken := map[string]bool{}
	for _, j := range catalog.Jobs() {
		for _, trigger := range j.Triggers {
			taken[trigger] = true
		}
	}
	known := map[string]bool{"schedule": true, "stream": true}
	for _, e := range bus.Types() {
		name := e.Sample.Type()
		known[name] = true
		if !taken[name] {
			t.Errorf("no job takes %s", name)
		}
	}
	for trigger := range taken {
		if !known[trigger] {
			t.Errorf("nothing is called %s on the bus", trigger)
		}
	}
}
