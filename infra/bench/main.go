// Command bench compares the product's functions with bare ones in one run: what a start costs until the first poll,
// what a warm request costs in CPU, and how large the packages are. It prints ratios; a single time says little.
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 15, "starts of each function")
	requests := flag.Int("requests", 2000, "warm requests of each function")
	only := flag.String("only", "*/*", "the functions whose starts and sizes are measured, as a pattern of area and name")
	flag.Parse()
	if err := run(*rounds, *requests, *only); err != nil {
		log.Fatal(err)
	}
}

func run(rounds, requests int, only string) error {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	world, err := newWorld(ctx)
	if err != nil {
		return err
	}
	defer world.close()
	routes, err := filepath.Glob("functions/" + only)
	if err != nil {
		return err
	}
	if len(routes) == 0 {
		return fmt.Errorf("there is no function %s", only)
	}
	if err := build(dir, append([]string{"infra/bench/bare", "infra/bench/barestore", "functions/clients/get-client"}, routes...)); err != nil {
		return err
	}
	if err := starts(dir, routes, world, rounds); err != nil {
		return err
	}
	if err := sizes(routes); err != nil {
		return err
	}
	return warm(dir, world, requests)
}

// build links every program for this machine with the flags that are deployed.
func build(dir string, programs []string) error {
	args := []string{"build", "-tags=lambda.norpc,nethttpomithttp2", "-trimpath", "-ldflags=-s -w", "-o", dir + "/"}
	for _, p := range programs {
		args = append(args, "./"+p)
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	return nil
}

// starts measures process start to first poll, all programs in turn in every round, and prints each median's ratio to
// the bare handler's.
func starts(dir string, routes []string, w *world, rounds int) error {
	names := []string{"bare"}
	for _, r := range routes {
		names = append(names, filepath.Base(r))
	}
	times := map[string][]time.Duration{}
	for range rounds {
		for _, n := range names {
			p, err := startProcess(filepath.Join(dir, n), w.environment)
			if err != nil {
				return err
			}
			took, err := p.firstPoll()
			p.stop()
			if err != nil {
				return fmt.Errorf("%s: %w", n, err)
			}
			times[n] = append(times[n], took)
		}
	}
	base := median(times["bare"])
	var ratios []float64
	fmt.Printf("start to first poll, median of %d, ratio to a bare handler (%v):\n", rounds, base.Round(10*time.Microsecond))
	for _, n := range names[1:] {
		ratio := float64(median(times[n])) / float64(base)
		ratios = append(ratios, ratio)
		fmt.Printf("  %-28s %.2f\n", n, ratio)
	}
	slices.Sort(ratios)
	fmt.Printf("  median function %.2f, worst %.2f\n\n", ratios[len(ratios)/2], ratios[len(ratios)-1])
	return nil
}

// sizes builds every function for arm64 as it is deployed and zips it.
func sizes(routes []string) error {
	dir, err := os.MkdirTemp("", "arm")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	args := []string{"build", "-tags=lambda.norpc,nethttpomithttp2", "-trimpath", "-ldflags=-s -w", "-o", dir + "/"}
	for _, r := range routes {
		args = append(args, "./"+r)
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build for arm64: %w: %s", err, out)
	}
	var all []float64
	largest := ""
	for _, r := range routes {
		size, err := zipped(filepath.Join(dir, filepath.Base(r)))
		if err != nil {
			return err
		}
		if len(all) == 0 || size > slices.Max(all) {
			largest = filepath.Base(r)
		}
		all = append(all, size)
	}
	slices.Sort(all)
	fmt.Printf("zip for arm64: median %.2f MB, largest %.2f MB (%s), %d functions\n\n", all[len(all)/2], all[len(all)-1], largest, len(all))
	return nil
}

func zipped(path string) (float64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	f, err := z.Create("bootstrap")
	if err != nil {
		return 0, err
	}
	if _, err := f.Write(text); err != nil {
		return 0, err
	}
	if err := z.Close(); err != nil {
		return 0, err
	}
	return float64(out.Len()) / 1e6, nil
}

// warm measures the CPU of reading one client, beside a bare handler that makes the same store calls.
func warm(dir string, w *world, requests int) error {
	cpu := map[string]time.Duration{}
	for range 3 { // in turn, so that both meet the same neighbours
		for _, n := range []string{"barestore", "get-client"} {
			p, err := startProcess(filepath.Join(dir, n), w.environment)
			if err != nil {
				return err
			}
			spent, err := p.serve(w.event, requests)
			p.stop()
			if err != nil {
				return fmt.Errorf("%s: %w", n, err)
			}
			cpu[n] += spent
		}
	}
	fmt.Printf("CPU of a warm request, get-client against a bare handler with the same store calls: %.2f\n",
		float64(cpu["get-client"])/float64(cpu["barestore"]))
	return nil
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// process is one function behind a Runtime API of its own.
type process struct {
	cmd     *exec.Cmd
	server  *http.Server
	started time.Time
	polls   chan chan []byte // a poll waits here for its event
	answers chan []byte
}

func startProcess(binary string, environment []string) (*process, error) {
	p := &process{polls: make(chan chan []byte), answers: make(chan []byte, 1)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.server = &http.Server{Handler: p}
	go p.server.Serve(l)
	p.cmd = exec.Command(binary)
	p.cmd.Env = append(environment, "AWS_LAMBDA_RUNTIME_API="+l.Addr().String(), "GOMAXPROCS=2")
	p.cmd.Stderr = os.Stderr
	p.started = time.Now()
	return p, p.cmd.Start()
}

// ServeHTTP is the Runtime API.
func (p *process) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/next") {
		give := make(chan []byte)
		select {
		case p.polls <- give:
		case <-r.Context().Done():
			return
		}
		select {
		case event := <-give:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "bench")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(30*time.Second).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:bench")
			w.Write(event)
		case <-r.Context().Done():
		}
		return
	}
	body, _ := io.ReadAll(r.Body)
	w.WriteHeader(http.StatusAccepted)
	p.answers <- body
}

func (p *process) firstPoll() (time.Duration, error) {
	select {
	case <-p.polls:
		return time.Since(p.started), nil
	case <-time.After(20 * time.Second):
		return 0, fmt.Errorf("it never polled")
	}
}

// serve gives the process many events, after some to warm it up, and tells the CPU that it spent.
func (p *process) serve(event []byte, requests int) (time.Duration, error) {
	var before time.Duration
	for i := range requests + 200 {
		if i == 200 {
			before = cpuOf(p.cmd.Process.Pid)
		}
		give := <-p.polls
		give <- event
		answer := <-p.answers
		var a struct {
			StatusCode int    `json:"statusCode"`
			Body       string `json:"body"`
		}
		if err := json.Unmarshal(answer, &a); err != nil || a.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("answer %s", answer)
		}
	}
	return cpuOf(p.cmd.Process.Pid) - before, nil
}

func (p *process) stop() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
	p.server.Close()
}

// cpuOf reads the user and system time of a process from the kernel.
func cpuOf(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
	var user, system int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0
	}
	return time.Duration(user+system) * time.Second / 100
}
