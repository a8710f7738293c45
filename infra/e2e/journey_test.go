package e2e_test

import (
	"bytes"
	"context"
	"testing"

	"pixeltrack.io/platform/infra/journey"
)

// TestTheJourney plays what `make demo` plays: from sign-up to the day after erasure, when nothing is left.
func TestTheJourney(t *testing.T) {
	var out bytes.Buffer
	if err := journey.Play(context.Background(), client(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
}
