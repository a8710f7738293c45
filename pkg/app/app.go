// Package app builds what functions need from their environment. It is the one place that reads it.
package app

import (
	"context"
	"fmt"
	"io"
	"net/http/httptrace"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/keyring"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// App is one function's environment.
type App struct {
	getenv func(string) string
	out    io.Writer
	now    func() time.Time
	log    *telemetry.Log
	table  *store.Store
}

// New reads the process's environment. A function whose environment is not usable stops with a message.
func New() *App {
	a := &App{getenv: os.Getenv, out: os.Stdout}
	now, err := clock.New(a.getenv)
	if err != nil {
		a.stop(err)
	}
	a.now = now
	a.log = telemetry.New(a.out, now)
	return a
}

// Now is the function's clock.
func (a *App) Now() time.Time { return a.now() }

// Log is the function's log.
func (a *App) Log() *telemetry.Log { return a.log }

// Setting gives an environment variable that the template must set.
func (a *App) Setting(name string) string {
	v := a.getenv(name)
	if v == "" {
		a.stop(fmt.Errorf("app: the environment has no %s", name))
	}
	return v
}

// Optional gives an environment variable or an empty text.
func (a *App) Optional(name string) string { return a.getenv(name) }

// AWS is the configuration for one service, DYNAMODB for example. It is built by hand, because looking for profiles and
// files that a function never has costs more than the rest of its start.
func (a *App) AWS(service string) aws.Config {
	cfg := aws.Config{
		Region: a.Setting("AWS_REGION"),
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(
			a.getenv("AWS_ACCESS_KEY_ID"), a.getenv("AWS_SECRET_ACCESS_KEY"), a.getenv("AWS_SESSION_TOKEN"))),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 5; o.MaxBackoff = 2 * time.Second })
		},
	}
	if endpoint := a.getenv("AWS_ENDPOINT_URL_" + service); endpoint != "" {
		cfg.BaseEndpoint = aws.String(endpoint)
	}
	return cfg
}

// Table is the product's table.
func (a *App) Table() *store.Store {
	if a.table == nil {
		a.table = store.New(a.AWS("DYNAMODB"), a.Setting("TABLE_NAME"), a.now)
	}
	return a.table
}

// Watch tells whether the table may be served. It begins to find out now; asked waits until the question is on its way.
func (a *App) Watch() (w *keyring.Watch, asked func()) {
	w = keyring.NewWatch(a.Table())
	return w, a.begin(w.Load)
}

// Verifier is Watch for who also checks access tokens, with the public keys in the table, which are read every five
// minutes.
func (a *App) Verifier() (v *keys.Verifier, w *keyring.Watch, asked func()) {
	w = keyring.NewWatch(a.Table())
	set := keys.NewCachedSet(w.PublicKeys, a.now)
	v = &keys.Verifier{Keys: set, Issuer: a.Setting("ISSUER"), Audience: keys.Audience, Now: a.now}
	return v, w, a.begin(set.Load)
}

// begin makes the first call to the table. It and the handshake before it belong into the start of a function, which has a
// whole core, and beside the rest of it. The answer comes while the function polls for its first event, which waits for it.
func (a *App) begin(load func(context.Context) error) (asked func()) {
	done := make(chan struct{})
	once := sync.OnceFunc(func() { close(done) })
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { once() }})
	go func() {
		defer once()
		if err := load(ctx); err != nil {
			a.log.Warn("keys_not_loaded", telemetry.Cause(err))
		}
	}()
	return func() { <-done }
}

// Local says whether the function runs beside the local stack.
func (a *App) Local() bool {
	return a.getenv(clock.LocalVariable) == "true" && a.getenv(clock.InitializationVariable) == ""
}

func (a *App) stop(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
