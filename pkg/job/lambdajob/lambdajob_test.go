package lambdajob

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"pixeltrack.io/platform/pkg/job"
)

func TestAnswer(t *testing.T) {
	failure := errors.New("no table")
	tests := []struct {
		name string
		err  error
		want string
		fail bool
	}{
		{"a run that is done", nil, "null", false},
		{"a run that failed", failure, "null", true},
		{"a batch done up to a record", fmt.Errorf("dispatch: %w", &job.Partial{From: "300", Cause: failure}), `{"batchItemFailures":[{"itemIdentifier":"300"}]}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := answer(tt.err)
			got, marshal := json.Marshal(out)
			if marshal != nil {
				t.Fatal(marshal)
			}
			if string(got) != tt.want || (err != nil) != tt.fail {
				t.Errorf("answer(%v) = %s, %v; want %s", tt.err, got, err, tt.want)
			}
		})
	}
}
