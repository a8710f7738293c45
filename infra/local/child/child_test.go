package child_test

import (
	"os/exec"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/local/child"
)

func TestStart(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	gone, err := child.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
		t.Fatal("gone before it was killed")
	case <-time.After(10 * time.Millisecond):
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("killed, and not gone")
	}
	if _, err := child.Start(exec.Command("/nowhere")); err == nil {
		t.Error("Start of nothing succeeds")
	}
}
