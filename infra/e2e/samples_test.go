package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pixeltrack.io/platform/infra/local/template"
)

// TestTheSampleEvents gives every sample of events/ to each function that is for it: a request to the function of its
// name, an event of the bus to the jobs whose rules take it, and the others to all jobs of their kind.
func TestTheSampleEvents(t *testing.T) {
	files, err := filepath.Glob("../../events/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, file := range files {
		event, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kind, name := filepath.Base(filepath.Dir(file)), strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(kind+"/"+name, func(t *testing.T) {
			takers := 0
			for _, f := range cloud.Cloud.Functions {
				if !takes(t, f, kind, name, event) {
					continue
				}
				takers++
				r, err := cloud.Lambda.Invoke(t.Context(), f.Name, event, cloud.Lambda.NewRequestID())
				if err != nil || r.Error != "" {
					t.Errorf("%s: %v %s", f.Name, err, r.Error)
				}
			}
			if takers == 0 {
				t.Error("no function is for it")
			}
		})
	}
}

func takes(t *testing.T, f *template.Function, kind, name string, event []byte) bool {
	t.Helper()
	switch kind {
	case "http":
		return f.Name == function(name)
	case "schedule":
		return len(f.Schedules) > 0
	case "stream":
		return f.Stream != nil
	}
	var e struct {
		Type string `json:"detail-type"`
	}
	if err := json.Unmarshal(event, &e); err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(f.Rules, func(r template.Rule) bool {
		types, _ := r.Pattern["detail-type"].([]any)
		return slices.Contains(types, any(e.Type))
	})
}
