package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/child"
)

// everyRoute are the tests that go through all routes, many at once. The others move the clock and wait for what that sets
// off, one after the other, so they run on a stack of their own, in a process beside this one.
const everyRoute = "^(TestFaults|TestTheMatrix|TestTheLedger|TestTwinsUnderOneKey|TestBadInput|TestEveryMembersRouteTakesAPITokens)$"

// seenVariable tells the process beside where to write what its functions needed of their roles.
const seenVariable = "PIXELTRACK_E2E_SEEN"

// beside is the process with the other tests.
type beside struct {
	cmd    *exec.Cmd
	gone   <-chan struct{}
	seen   string
	output bytes.Buffer
}

// startBeside starts the other tests.
func startBeside() (*beside, error) {
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		return nil, err
	}
	b := &beside{seen: filepath.Join(dir, "seen.json")}
	b.cmd = exec.Command(os.Args[0], "-test.skip="+everyRoute, "-test.v=true", "-test.count=1", "-test.timeout="+flag.Lookup("test.timeout").Value.String())
	b.cmd.Env = append(os.Environ(), seenVariable+"="+b.seen)
	b.cmd.Stdout, b.cmd.Stderr = &b.output, &b.output
	b.gone, err = child.Start(b.cmd)
	return b, err
}

// end waits for the other tests, shows what they said, and gives their exit code and what roles were needed for.
func (b *beside) end() (code int, seen calls.Seen, err error) {
	defer os.RemoveAll(filepath.Dir(b.seen))
	<-b.gone
	code = b.cmd.ProcessState.ExitCode()
	if code != 0 || testing.Verbose() {
		fmt.Println(b.output.String())
	}
	text, err := os.ReadFile(b.seen)
	if err == nil {
		err = json.Unmarshal(text, &seen)
	}
	if err == nil && len(seen.Proofs) == 0 {
		err = errors.New("the tests beside needed no role")
	}
	return code, seen, err
}

// tell writes what the functions of this process needed of their roles.
func tell(path string) error {
	text, err := json.Marshal(cloud.Recorder.Seen())
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}
