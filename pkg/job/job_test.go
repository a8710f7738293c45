package job_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// An event that Lambda delivers twice at once under one request id must not be taken for one run by the store.
func TestTwoAttemptsAtOneInvocationAreTwoActors(t *testing.T) {
	var actors []store.Actor
	j := job.Job{ID: "sweep-retention", Run: func(_ context.Context, r *job.Run) error {
		actors = append(actors, r.Actor)
		return nil
	}}
	for range 2 {
		if err := j.Do(context.Background(), []byte(`{}`), nil, telemetry.New(new(bytes.Buffer), time.Now), time.Now, "one-request"); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range actors {
		if a.Who != "job:sweep-retention" || !strings.HasPrefix(a.Request, "one-request.") {
			t.Errorf("actor = %+v; want the job and its request", a)
		}
	}
	if actors[0] == actors[1] {
		t.Errorf("both attempts act as %+v", actors[0])
	}
}
