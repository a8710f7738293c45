// Command invoke runs one function with an event from a file, as `sam local invoke` does, without Docker: against the
// stack that runs on this machine, or against one of its own.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"pixeltrack.io/platform/infra/local/control"
	"pixeltrack.io/platform/infra/local/stack"
)

const running = "http://127.0.0.1:8081"

func main() {
	function := flag.String("function", "", "Meta/GetHealth, or GetHealth")
	file := flag.String("event", "", "a file with the event, - for the standard input")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := invoke(ctx, *function, *file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func invoke(ctx context.Context, function, file string) error {
	if function == "" || file == "" {
		return errors.New("say which: FUNCTION=Meta/GetHealth EVENT=events/http/get-health.json")
	}
	event, err := read(file)
	if err != nil {
		return err
	}
	if !json.Valid(event) {
		return fmt.Errorf("%s is not JSON", file)
	}
	at := running
	if !up(at) {
		s, err := stack.Start(ctx, stack.Options{Root: "."}, control.New)
		if err != nil {
			return err
		}
		defer s.Close()
		at = s.Control
	}
	_, short, nested := strings.Cut(function, "/")
	if !nested {
		short = function
	}
	res, err := http.Post(at+"/_local/invoke/"+short, "application/json", bytes.NewReader(event))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Payload json.RawMessage `json:"payload"`
		Error   string          `json:"error"`
		Detail  string          `json:"detail"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	if answer.Error != "" || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s%s", answer.Error, answer.Detail)
	}
	fmt.Println(string(answer.Payload))
	return nil
}

func read(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(file)
}

// up says whether a stack runs on this machine.
func up(at string) bool {
	client := http.Client{Timeout: time.Second}
	res, err := client.Get(at + "/_local/health")
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}
