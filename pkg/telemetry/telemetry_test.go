package telemetry_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/telemetry"
)

func TestBlot(t *testing.T) {
	token := strings.Repeat("a", 30) + "." + strings.Repeat("b", 30) + "." + strings.Repeat("c", 30)
	tests := []struct{ name, text, want string }{
		{"an address", "mail to ada@example.com: refused", "mail to [blotted] refused"},
		{"an address in quotes", `no user "ada@example.com"`, `no user "[blotted]"`},
		{"an address in a link", "GET /x?email=ada@example.com&n=1", "GET /x?email=[blotted]&n=1"},
		{"a token", "token " + token + " is not valid", "token [blotted] is not valid"},
		{"a secret", "key pt_live_" + strings.Repeat("x", 40), "key [blotted]"},
		{"the same twice", "ada@example.com, ada@example.com", "[blotted], [blotted]"},
		{"an id", "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB is gone", "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB is gone"},
		{"a code", "ConditionalCheckFailedException", "ConditionalCheckFailedException"},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := telemetry.Blot(tt.text); got != tt.want {
				t.Errorf("Blot(%q) = %q; want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestAFailureIsLoggedWithoutThePersonInIt(t *testing.T) {
	var out bytes.Buffer
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	telemetry.New(&out, func() time.Time { return at }).Error("send_failed", telemetry.Cause(errors.New(`smtp: <ada@example.com> unknown`)))
	if line := out.String(); strings.Contains(line, "example.com") || !strings.Contains(line, "send_failed") || !strings.Contains(line, "unknown") {
		t.Errorf("the line is %s; want the failure, without the address", line)
	}
}
