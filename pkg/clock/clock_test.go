package clock_test

import (
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/clock"
)

func TestNew(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want time.Duration
		fail bool
	}{
		{name: "no offset", env: map[string]string{"AWS_SAM_LOCAL": "true"}},
		{name: "beside the local stack", env: map[string]string{"AWS_SAM_LOCAL": "true", "PIXELTRACK_CLOCK_OFFSET": "720h"}, want: 720 * time.Hour},
		{name: "without the local stack", env: map[string]string{"PIXELTRACK_CLOCK_OFFSET": "720h"}},
		{name: "on AWS", env: map[string]string{"AWS_SAM_LOCAL": "true", "PIXELTRACK_CLOCK_OFFSET": "720h", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}},
		{name: "not a duration", env: map[string]string{"AWS_SAM_LOCAL": "true", "PIXELTRACK_CLOCK_OFFSET": "a month"}, fail: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now, err := clock.New(func(k string) string { return tt.env[k] })
			if (err != nil) != tt.fail {
				t.Fatalf("New = %v; want an error: %v", err, tt.fail)
			}
			if tt.fail {
				return
			}
			if got := time.Until(now()).Round(time.Minute); got != tt.want {
				t.Errorf("clock is %v ahead; want %v", got, tt.want)
			}
		})
	}
}

func TestMoment(t *testing.T) {
	if got := clock.Moment(0); got != nil {
		t.Errorf("Moment(0) = %v; want none", got)
	}
	if got := clock.Moment(1_700_000_000); got == nil || got.Format(time.RFC3339) != "2023-11-14T22:13:20Z" {
		t.Errorf("Moment(1700000000) = %v; want 2023-11-14T22:13:20Z", got)
	}
}
