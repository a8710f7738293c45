package lambda

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"time"

	"pixeltrack.io/platform/infra/local/child"
	"pixeltrack.io/platform/infra/local/identity"
)

// process is one running function: its program behind a Runtime API of its own. It works on one event at a time.
type process struct {
	function   string
	generation int64
	id         identity.Identity
	cmd        *exec.Cmd
	server     *http.Server
	events     chan event
	answers    chan answer
	ready      chan struct{} // closed at the first poll
	gone       chan struct{} // closed when the program has ended
	once       sync.Once
	failure    string // what an init error said
	mu         sync.Mutex
	request    string
}

type event struct {
	request  string
	payload  []byte
	deadline time.Time
}

type answer struct {
	payload []byte
	failed  bool
}

// start runs a program and waits until it polls for its first event.
func start(ctx context.Context, function, binary string, environment []string, id identity.Identity, log func(request, line string)) (*process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{function: function, id: id, events: make(chan event), answers: make(chan answer, 1),
		ready: make(chan struct{}), gone: make(chan struct{})}
	p.server = &http.Server{Handler: p}
	go p.server.Serve(l)
	p.cmd = exec.Command(binary)
	p.cmd.Env = append(environment, "AWS_LAMBDA_RUNTIME_API="+l.Addr().String())
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	go p.collect(r, log)
	if err := p.run(w); err != nil {
		p.server.Close()
		return nil, err
	}
	select {
	case <-p.ready:
		return p, nil
	case <-p.gone:
		return nil, fmt.Errorf("%s ended before it took an event: %s", function, p.failure)
	case <-ctx.Done():
		p.kill()
		return nil, ctx.Err()
	case <-time.After(initPatience):
		p.kill()
		return nil, fmt.Errorf("%s did not get ready within %v", function, initPatience)
	}
}

// initPatience is how long a function's start may take.
const initPatience = 10 * time.Second

// run starts the program. How it ended shows in its log.
func (p *process) run(out *io.PipeWriter) error {
	gone, err := child.Start(p.cmd)
	if err != nil {
		return err
	}
	go func() {
		<-gone
		out.Close()
		p.server.Close()
		close(p.gone)
	}()
	return nil
}

func (p *process) collect(r io.Reader, log func(request, line string)) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		request := p.request
		p.mu.Unlock()
		log(request, lines.Text())
	}
	io.Copy(io.Discard, r) // a line too long to keep must not block the program
}

func (p *process) kill() {
	p.cmd.Process.Kill() // it may be gone already
	<-p.gone
}

func (p *process) alive() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

var (
	errTimeout = errors.New("the function did not end in time")
	errCrashed = errors.New("the function ended without an answer")
	errGone    = errors.New("the function ended before it took the event")
)

// invoke gives the process one event and waits for its answer, its end, or its deadline, at which it is killed.
func (p *process) invoke(e event, timeout time.Duration) (answer, error) {
	p.mu.Lock()
	p.request = e.request
	p.mu.Unlock()
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	select {
	case p.events <- e:
	case <-p.gone:
		return answer{}, errGone
	case <-limit.C:
		p.kill()
		return answer{}, errTimeout
	}
	select {
	case a := <-p.answers:
		return a, nil
	case <-p.gone:
		select {
		case a := <-p.answers: // it ended after its answer
			return a, nil
		default:
			return answer{}, errCrashed
		}
	case <-limit.C:
		p.kill()
		return answer{}, errTimeout
	}
}

// ServeHTTP is the Runtime API of this process.
func (p *process) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const base = "/2018-06-01/runtime/"
	switch path := strings.TrimPrefix(r.URL.Path, base); {
	case r.Method == http.MethodGet && path == "invocation/next":
		p.next(w, r)
	case r.Method == http.MethodPost && strings.HasPrefix(path, "invocation/"):
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		p.answers <- answer{payload: body, failed: strings.HasSuffix(path, "/error")}
	case r.Method == http.MethodPost && path == "init/error":
		body, _ := io.ReadAll(io.LimitReader(r.Body, 4096))
		p.failure = string(body)
		w.WriteHeader(http.StatusAccepted)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (p *process) next(w http.ResponseWriter, r *http.Request) {
	p.once.Do(func() { close(p.ready) })
	select {
	case e := <-p.events:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", e.request)
		h.Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(e.deadline.UnixMilli()))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:"+p.function)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
		w.Write(e.payload) // a lost connection shows as the program's end
	case <-r.Context().Done():
	}
}
