// Package e2e tests the product from outside: journeys over HTTP through the local stack, with the functions' own
// binaries, and what the stack's doors saw of them.
package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/control"
	"pixeltrack.io/platform/infra/local/gateway"
	"pixeltrack.io/platform/infra/local/stack"
	"pixeltrack.io/platform/pkg/privacy/policy"
)

// cloud is the one stack of a process with tests. Building the functions is most of its cost: all are built at its start when
// all tests run, and else each at its first call.
var cloud *stack.Stack

func TestMain(m *testing.M) {
	code := 1
	defer func() { os.Exit(code) }()
	failed := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	flag.Parse()
	debug.SetGCPercent(400) // the stack remembers all calls, mails and objects: collecting them over and over was a fifth of its work
	all, seen := flag.Lookup("test.run").Value.String() == "", os.Getenv(seenVariable)
	s, err := stack.Start(context.Background(), stack.Options{Root: "../..", Build: all, Backoff: backoff}, control.New)
	if err != nil {
		failed(err)
		return
	}
	defer s.Close()
	cloud = s
	if !all || seen != "" {
		code = m.Run()
		if seen != "" {
			if err := tell(seen); err != nil {
				failed(err)
			}
		}
		return
	}
	b, err := startBeside()
	if err != nil {
		failed(err)
		return
	}
	if err := flag.Set("test.run", everyRoute); err != nil {
		failed(err)
		return
	}
	code = m.Run()
	other, needed, err := b.end()
	if err != nil {
		failed(err)
	}
	if other != 0 {
		code = 1
	}
	cloud.Recorder.Add(needed)
	rolesAreExact(func(what string) { failed(fmt.Errorf("roles: %s", what)) }) // beside tests that failed, too: what they would have used is then named as well
}

// backoff is how long Lambda waits before an attempt here: what fails for good has failed soon.
func backoff(attempt int) time.Duration { return 20 * time.Millisecond << min(attempt, 4) }

// pathOf fills the parameters of a path with something.
func pathOf(template string) string {
	return parameter.ReplaceAllString(template, "x")
}

var parameter = regexp.MustCompile(`\{[^}]+\}`)

func client() *journey.Client {
	return &journey.Client{API: cloud.API, Control: cloud.Control, HTTP: web}
}

// web is everybody's browser: connections that each person kept open would be thousands at the end.
var web = &http.Client{Timeout: 15 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 128}}

// caller is somebody who is signed in.
type caller struct {
	*journey.Client
	t            testing.TB
	person       journey.Person
	token        string
	refresh      string
	user         string
	organization string
	ownProject   string
	ownWork      string
	ownClient    string
	appointed    bool   // one of our own people
	mark         string // what the body of the last call can be found by
}

var people atomic.Int64

// signUp makes a person with an organization of their own, and logs them in.
func signUp(t testing.TB) *caller {
	t.Helper()
	c := &caller{Client: client(), t: t, person: journey.NewPerson()}
	viewer := map[string]string{"X-Local-Viewer": fmt.Sprintf("192.0.2.%d", people.Add(1)%250+1)}
	c.must(202, journey.Call{Method: "POST", Path: "/v1/auth/signup", Headers: viewer, Body: signUpBody(c.person)})
	token := c.mailToken("confirm")
	a := c.must(201, journey.Call{Method: "POST", Path: "/v1/auth/confirm", Headers: viewer, Body: map[string]any{"token": token, "password": c.person.Password}})
	c.user, c.organization = a.Text("user.id"), a.Text("organization.id")
	c.logIn()
	return c
}

func signUpBody(p journey.Person) map[string]any {
	v := policy.InEffect(cloud.Clock.Now())
	return map[string]any{"date_of_birth": "1990-04-01", "name": p.Name, "email": p.Email, "password": p.Password, "country": "DE",
		"policy_version": v.Number, "policy_hash": v.SHA256(), "organization_name": p.Organization}
}

func (c *caller) logIn() {
	c.t.Helper()
	a := c.must(200, journey.Call{Method: "POST", Path: "/v1/auth/login", Body: map[string]any{"email": c.person.Email, "password": c.person.Password}})
	c.token, c.refresh = a.Text("access_token"), a.Text("refresh_token")
}

// call makes a call as the person.
func (c *caller) call(in journey.Call) journey.Answer {
	c.t.Helper()
	if in.Token == "" {
		in.Token = c.token
	}
	a, err := c.Do(context.Background(), in)
	if err != nil {
		c.t.Fatalf("%s %s: %v", in.Method, in.Path, err)
	}
	if why := a.Header.Get(gateway.ErrorHeader); why != "" {
		c.t.Logf("%s %s: %s", in.Method, in.Path, why)
	}
	return a
}

// slowly makes a call whose every call of a service takes so long.
func (c *caller) slowly(in journey.Call, by time.Duration, do func(journey.Call) journey.Answer) journey.Answer {
	c.t.Helper()
	id := "slow-" + unique() + "-call"
	cloud.Door.SlowRequest(id, by)
	defer cloud.Door.SlowRequest(id, 0)
	return do(under(id, in))
}

// under is a call whose request has a known id, for what is planned for it.
func under(id string, in journey.Call) journey.Call {
	headers := map[string]string{"X-Local-Request": id}
	maps.Copy(headers, in.Headers)
	in.Headers = headers
	return in
}

// must makes a call that answers one status.
func (c *caller) must(status int, in journey.Call) journey.Answer {
	c.t.Helper()
	a := c.call(in)
	if a.Status != status {
		c.t.Fatalf("%s %s = %d; want %d: %s", in.Method, in.Path, a.Status, status, a.Body)
	}
	return a
}

// request is the id of the invocation that answered.
func request(a journey.Answer) string { return a.Header.Get("Apigw-Requestid") }

func (c *caller) settle() {
	c.t.Helper()
	if err := c.Settle(context.Background()); err != nil {
		c.t.Fatal(err)
	}
}

// mailToken waits for a mail to the person whose subject has a word, and gives the token of its link.
func (c *caller) mailToken(subject string) string {
	c.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		token, err := journey.TokenOf(context.Background(), c.Client, c.person.Email, subject)
		if err == nil {
			return token
		}
		if time.Now().After(deadline) {
			c.t.Fatal(err)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// atOnce runs n calls at the same time.
func atOnce(n int, do func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	wg.Wait()
}
