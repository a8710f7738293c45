// Package stack is the whole local cloud: it reads the templates and starts what they declare, on ports of its own, for
// `make run` and for the tests.
package stack

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"pixeltrack.io/platform/infra/local/bus"
	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/door"
	"pixeltrack.io/platform/infra/local/dynoxide"
	"pixeltrack.io/platform/infra/local/gateway"
	"pixeltrack.io/platform/infra/local/guard"
	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/kms"
	"pixeltrack.io/platform/infra/local/lambda"
	"pixeltrack.io/platform/infra/local/resend"
	"pixeltrack.io/platform/infra/local/s3"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/ssm"
	"pixeltrack.io/platform/infra/local/stream"
	"pixeltrack.io/platform/infra/local/stripe"
	"pixeltrack.io/platform/infra/local/template"
	"pixeltrack.io/platform/infra/local/ttl"
)

// Ports are where the stack listens on 127.0.0.1. Zero is a free one.
type Ports struct{ API, Control, DynamoDB, S3, Resend, Stripe int }

// Standard are the ports of `make run`.
func Standard() Ports {
	return Ports{API: 8080, Control: 8081, DynamoDB: 8000, S3: 7070, Resend: 8025, Stripe: 12111}
}

// Options say how a stack is started.
type Options struct {
	Root      string // of the source tree
	Ports     Ports
	Schedules bool                            // whether schedules and TTL run by themselves
	Build     bool                            // whether every function is built before Start returns
	Backoff   func(attempt int) time.Duration // of asynchronous retries; nil is a twentieth of a second, then more
	Change    func(*template.Cloud)           // changes what the templates say before anything starts; for tests
	Settings  map[string]string               // more environment of the functions
}

// Stack is a running cloud.
type Stack struct {
	Cloud      *template.Cloud
	Clock      *simclock.Clock
	Identities *identity.Registry
	Recorder   *calls.Recorder
	Faults     *calls.Faults
	Lambda     *lambda.Service
	Bus        *bus.Bus
	Stream     *stream.Reader
	S3         *s3.Server
	Mail       *resend.Server
	Stripe     *stripe.Server
	Door       *door.Door
	Table      *dynamodb.Client // of the stack itself, past the door

	Secrets  map[string]string // the parameters of this run, by name
	API      string            // http://127.0.0.1:8080
	Control  string
	DynamoDB string
	Objects  string
	Resend   string
	Payments string // Stripe's API, http://127.0.0.1:12111

	behind  *dynamodb.Client // past the door, without a stream
	sweeper *ttl.Sweeper
	close   []func()
	stop    chan struct{}
	once    sync.Once
}

// parameters are what the root template is given here.
func parameters(publicURL string) map[string]string {
	return map[string]string{"Stage": "local", "PublicUrl": publicURL, "AllowedOrigins": "http://localhost:3000,http://127.0.0.1:3000", "RelyingPartyId": "localhost", "MailFrom": "PixelTrack <no-reply@mail.pixeltrack.io>"}
}

// Start starts everything. Control is served by the handler that control makes of the stack.
func Start(ctx context.Context, o Options, control func(*Stack) http.Handler) (s *Stack, err error) {
	if o.Root, err = filepath.Abs(o.Root); err != nil {
		return nil, err
	}
	if o.Backoff == nil {
		o.Backoff = func(attempt int) time.Duration { return 50 * time.Millisecond << min(attempt, 6) }
	}
	s = &Stack{Clock: new(simclock.Clock), Identities: identity.New(), Recorder: new(calls.Recorder), Faults: new(calls.Faults), stop: make(chan struct{})}
	started := s // a return of an error leaves s nil
	defer func() {
		if err != nil {
			started.Close()
		}
	}()
	listeners, err := s.listen(o.Ports)
	if err != nil {
		return nil, err
	}
	if s.Cloud, err = template.Read(o.Root, parameters(s.API)); err != nil {
		return nil, err
	}
	if o.Change != nil {
		o.Change(s.Cloud)
	}
	raw, err := dynoxide.Start(ctx, o.Root)
	if err != nil {
		return nil, err
	}
	s.close = append(s.close, raw.Stop)
	behind := dynamodb.New(dynamodb.Options{Region: template.Region, BaseEndpoint: &raw.Endpoint, Credentials: rootCredentials()})
	if err := dynoxide.CreateTable(ctx, behind, s.Cloud.Table.Name); err != nil {
		return nil, err
	}
	s.behind = behind
	if err := s.services(o, listeners, raw.Endpoint); err != nil {
		return nil, err
	}
	if o.Build {
		var dirs []string
		for _, f := range s.Cloud.Functions {
			dirs = append(dirs, f.Dir)
		}
		if err := s.Lambda.Builder.All(ctx, dirs); err != nil {
			return nil, err
		}
	}
	s.serve(listeners[1], control(s))
	if err := s.seed(ctx); err != nil {
		return nil, err
	}
	if o.Schedules {
		go s.tick()
	}
	return s, nil
}

// listen opens the six ports in the order of Ports.
func (s *Stack) listen(p Ports) ([]net.Listener, error) {
	var all []net.Listener
	for i, port := range []int{p.API, p.Control, p.DynamoDB, p.S3, p.Resend, p.Stripe} {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return nil, fmt.Errorf("stack: %w", err)
		}
		s.close = append(s.close, func() { l.Close() })
		all = append(all, l)
		*[]*string{&s.API, &s.Control, &s.DynamoDB, &s.Objects, &s.Resend, &s.Payments}[i] = "http://" + l.Addr().String()
	}
	return all, nil
}

// serve answers on a listener until the stack is closed.
func (s *Stack) serve(l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ConnContext: door.Arrive, TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, ErrorLog: quiet()}
	go server.Serve(l)
	s.close = append(s.close, func() { server.Close() })
}

func (s *Stack) services(o Options, listeners []net.Listener, raw string) error {
	s.Door = door.New(raw, s.Identities, s.Clock.Now, s.Recorder, s.Faults)
	g := guard.Guard{Judge: s.judge, Plan: s.Faults.Next, Delay: s.Door.Delay, Note: func(c guard.Call) {
		s.Recorder.Note(calls.Call{Service: c.Service, Operation: c.Operation, Function: c.Function, RequestID: c.RequestID, Target: c.Resource,
			Start: c.Start, End: c.End, Status: c.Status, Error: c.Error})
	}}
	s.Door.Set(s.Cloud.Table.Name, door.Settings{Stream: s.Cloud.Table.Stream, Recovery: s.Cloud.Table.Recovery})
	s.serve(listeners[2], s.Door)
	s.Table = dynamodb.New(dynamodb.Options{Region: template.Region, BaseEndpoint: &s.DynamoDB, Credentials: rootCredentials()})

	dir := filepath.Join(o.Root, ".local", "run")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	objects, err := s3.New(s3.Options{Dir: dir, Buckets: buckets(s.Cloud), Identities: s.Identities, Clock: s.Clock, Guard: g,
		Denies: func(p *iam.Policy, r iam.Request) bool { return p.Denies(r) }})
	if err != nil {
		return err
	}
	s.S3 = objects
	s.close = append(s.close, func() { _ = objects.Close() }) // files of this run alone
	s.serve(listeners[3], objects)

	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte(random(24)))
	inbound := "whsec_" + base64.StdEncoding.EncodeToString([]byte(random(24)))
	mailKey, edgeSecret := "re_local_"+random(8), random(16)
	if s.Mail, err = resend.New(resend.Options{Key: mailKey, WebhookURL: s.API + "/v1/webhooks/resend", WebhookSecret: secret,
		InboundURL: s.API + "/v1/webhooks/inbound-mail", InboundSecret: inbound, Clock: s.Clock,
		Client: &http.Client{Timeout: 60 * time.Second}, Fault: s.mailFault}); err != nil {
		return err
	}
	s.close = append(s.close, s.Mail.Close)
	s.serve(listeners[4], s.Mail)

	payments := stripeSecrets{key: "sk_test_" + random(16), platform: "whsec_" + random(16), connect: "whsec_" + random(16)}
	s.Stripe = stripe.New(stripe.Options{Key: payments.key, Clock: s.Clock, Identities: s.Identities, Guard: g,
		Platform: stripe.Endpoint{URL: s.API + "/v1/webhooks/stripe", Secret: payments.platform},
		Connect:  stripe.Endpoint{URL: s.API + "/v1/webhooks/stripe-connect", Secret: payments.connect}})
	s.close = append(s.close, s.Stripe.Close)
	s.serve(listeners[5], s.Stripe)

	inner, err := net.Listen("tcp", "127.0.0.1:0") // the services that nobody needs to reach from outside
	if err != nil {
		return err
	}
	base := "http://" + inner.Addr().String()
	settings := []string{"AWS_ENDPOINT_URL_DYNAMODB=" + s.DynamoDB, "AWS_ENDPOINT_URL_S3=" + s.Objects, "AWS_ENDPOINT_URL_KMS=" + base + "/kms",
		"AWS_ENDPOINT_URL_SSM=" + base + "/ssm", "AWS_ENDPOINT_URL_EVENTBRIDGE=" + base + "/events", "RESEND_BASE_URL=" + s.Resend}
	for k, v := range o.Settings {
		settings = append(settings, k+"="+v)
	}
	s.Lambda = &lambda.Service{Cloud: s.Cloud, Builder: &lambda.Builder{Root: o.Root}, Clock: s.Clock, Identities: s.Identities,
		Environment: settings, Own: s.own(o.Settings), Backoff: o.Backoff, Limit: 32, Allow: s.allow,
		Ready: func(ctx context.Context) error { return door.Overtake(ctx, s.DynamoDB) }}
	s.close = append(s.close, s.Lambda.Close)
	if s.Bus, err = bus.New(bus.Options{Cloud: s.Cloud, Functions: s.Lambda, Identities: s.Identities, Clock: s.Clock, Guard: g}); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/kms", kms.New(kms.Options{Keys: kmsKeys(s.Cloud), Identities: s.Identities, Clock: s.Clock, Guard: g}))
	parameters := secrets(s.Cloud, mailSecrets{key: mailKey, webhook: secret, inbound: inbound}, edgeSecret, payments)
	s.Secrets = map[string]string{}
	for _, p := range parameters {
		s.Secrets[p.Name] = p.Value
	}
	mux.Handle("/ssm", ssm.New(ssm.Options{Parameters: parameters, Identities: s.Identities, Clock: s.Clock, Guard: g}))
	mux.Handle("/events", s.Bus)
	s.serve(inner, mux)

	if s.Stream, err = stream.Start(stream.Options{Cloud: s.Cloud, Functions: s.Lambda, Keeper: s, Clock: s.Clock, Backoff: o.Backoff, Allow: s.allow}); err != nil {
		return err
	}
	s.Door.Tell = s.Stream.Offer
	s.close = append(s.close, s.Stream.Close)
	s.sweeper = &ttl.Sweeper{Client: s.Table, Table: s.Cloud.Table.Name, Attribute: s.Cloud.Table.TTL, Stream: s.Stream}
	s.serve(listeners[0], &gateway.Gateway{Cloud: s.Cloud, Lambda: s.Lambda, Clock: s.Clock, Secret: func() string { return edgeSecret }})
	return nil
}

// own gives a process what names it to Stripe: a path of its own, by which the doors' keys tell who calls. A base given
// by the settings is another server's and is left as it is.
func (s *Stack) own(settings map[string]string) func(identity.Identity) []string {
	return func(id identity.Identity) []string {
		if settings[stripeBase] != "" {
			return nil
		}
		return []string{stripeBase + "=" + s.Payments + "/~" + id.AccessKey}
	}
}

// stripeBase is the variable that says where Stripe's API is; a client takes it as its backend's URL.
const stripeBase = "STRIPE_API_BASE"

// Close ends everything, what was started last first.
func (s *Stack) Close() {
	s.once.Do(func() {
		close(s.stop)
		s.Faults.Clear()
		for _, end := range slices.Backward(s.close) {
			end()
		}
	})
}

// judge asks the role of a caller and remembers which part of it was needed.
func (s *Stack) judge(who identity.Identity, r iam.Request) error {
	d := who.Policy.Decide(r)
	if !d.Allowed {
		s.Recorder.Refused(calls.Denied{Function: who.Function, Action: r.Action, Resource: r.Resource, Context: r.Context, Why: d.Why})
		return guard.ErrDenied
	}
	s.Recorder.Used(who.Function, r, d.Uses)
	return nil
}

// allow asks the role of a function for what Lambda does in its name.
func (s *Stack) allow(f *template.Function, requests []iam.Request) error {
	who := identity.Identity{Function: f.Name, Policy: f.Policy}
	for _, r := range requests {
		if err := s.judge(who, r); err != nil {
			return fmt.Errorf("%s: %w", r.Action, err)
		}
	}
	return nil
}

// Keep puts a failed record into a bucket with the role of its function, as Lambda does.
func (s *Stack) Keep(ctx context.Context, f *template.Function, bucket, key string, body []byte) error {
	id := s.Identities.Issue(f.Name, f.Policy)
	defer s.Identities.Revoke(id.AccessKey)
	client := awss3.New(awss3.Options{Region: template.Region, BaseEndpoint: &s.Objects, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(id.AccessKey, id.Secret, "")})
	if _, err := client.HeadBucket(ctx, &awss3.HeadBucketInput{Bucket: &bucket}); err != nil {
		return err
	}
	_, err := client.PutObject(ctx, &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/json")})
	return err
}

// mailFault lets a call of the mail provider go wrong as planned.
func (s *Stack) mailFault(r *http.Request) resend.Fault {
	switch s.Faults.Next(guard.Call{Service: "resend", Operation: r.Method + " " + r.URL.Path}) {
	case guard.TimeoutBefore:
		return resend.Fault{Drop: true}
	case guard.TimeoutAfter:
		return resend.Fault{Drop: true, After: true}
	case guard.Throttle, guard.Conflict:
		return resend.Fault{Status: http.StatusTooManyRequests}
	case guard.Unavailable:
		return resend.Fault{Status: http.StatusServiceUnavailable}
	}
	return resend.Fault{}
}

// seed runs the jobs that a new stage needs once before its first caller: the token keys.
func (s *Stack) seed(ctx context.Context) error {
	const rotation = "RotateKeys"
	if s.Cloud.Function(rotation) == nil {
		return nil
	}
	return s.RunJob(ctx, rotation)
}

// RunJob fires the schedule of a job now and waits for its end.
func (s *Stack) RunJob(ctx context.Context, function string) error {
	f := s.Cloud.Function(function)
	if f == nil || len(f.Schedules) == 0 {
		return ErrNoSchedule
	}
	r, err := s.Lambda.Invoke(ctx, function, bus.Event(f.Name, s.Clock.Now()), "")
	if err != nil {
		return err
	}
	if r.Error != "" {
		return fmt.Errorf("%s failed: %s", function, r.Error)
	}
	return nil
}

// ErrNoSchedule says that no function of that name has a schedule.
var ErrNoSchedule = errors.New("stack: there is no function of this name with a schedule")

// Move sets the clock and makes every function start anew with it.
func (s *Stack) Move(set func(*simclock.Clock)) {
	set(s.Clock)
	s.Lambda.Recycle()
}

// Sweep applies TTL and the lifecycle of the buckets.
func (s *Stack) Sweep(ctx context.Context) (rows int, objects s3.Swept, err error) {
	now := s.Clock.Now()
	if rows, err = s.sweeper.Sweep(ctx, now); err != nil {
		return rows, objects, err
	}
	return rows, s.S3.Sweep(now), nil
}

// Settle waits until nothing is under way behind the API: no record of the stream, event, mail or webhook waits.
func (s *Stack) Settle(ctx context.Context) error {
	for quiet := 0; ; {
		if quiet++; s.Stream.Pending()+s.Lambda.Pending()+s.Mail.Pending()+s.Stripe.Pending() > 0 {
			quiet = 0
		}
		if quiet > 2 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stack: still busy: %d records, %d events, %d webhooks: %w", s.Stream.Pending(), s.Lambda.Pending(), s.Mail.Pending()+s.Stripe.Pending(), ctx.Err())
		case <-s.stop:
			return errors.New("stack: closed")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// tick runs schedules and TTL.
func (s *Stack) tick() {
	for n := 1; ; n++ {
		select {
		case <-s.stop:
			return
		case <-time.After(time.Second):
		}
		s.Bus.Tick()
		if n%60 == 0 {
			_, _, _ = s.Sweep(context.Background()) // the next turn tries again
		}
	}
}

func rootCredentials() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(identity.Root, identity.RootSecret, "")
}

func buckets(c *template.Cloud) []s3.Bucket {
	var all []s3.Bucket
	for _, b := range c.Buckets {
		one := s3.Bucket{Name: b.Name, Versioning: b.Versioned, Policy: b.Policy}
		if b.KMSKey != "" {
			one.Encryption, one.KMSKeyID = "aws:kms", b.KMSKey
		}
		if b.Locked {
			one.Lock = &s3.Lock{Mode: b.LockMode, Days: b.LockDays}
		}
		for _, r := range b.Rules {
			one.Lifecycle = append(one.Lifecycle, s3.Rule{Prefix: r.Prefix, ExpirationDays: r.Days, NoncurrentDays: r.NoncurrentDays, AbortDays: r.AbortDays,
				ExpiredObjectDeleteMarker: r.ExpiredMarkers})
		}
		for _, r := range b.CORS {
			one.CORS = append(one.CORS, s3.CORSRule{Origins: r.Origins, Methods: r.Methods, Headers: r.Headers, Expose: r.Expose})
		}
		all = append(all, one)
	}
	return all
}

func kmsKeys(c *template.Cloud) []kms.Key {
	var all []kms.Key
	for _, k := range c.Keys {
		one := kms.Key{ID: k.ID, Spec: kms.Symmetric}
		if k.Signing {
			one.Spec = kms.Ed25519
		}
		all = append(all, one)
	}
	return all
}

// stripeSecrets are what this run's Stripe is spoken to with.
type stripeSecrets struct{ key, platform, connect string }

// mailSecrets are what this run's mail provider is spoken to with.
type mailSecrets struct{ key, webhook, inbound string }

// secrets gives every parameter that a function is given by name a value of this run.
func secrets(c *template.Cloud, mails mailSecrets, edge string, payments stripeSecrets) []ssm.Parameter {
	var all []ssm.Parameter
	for _, name := range slices.Compact(slices.Sorted(slices.Values(c.SSM))) {
		value := random(32)
		switch {
		case strings.HasSuffix(name, "/resend-key"):
			value = mails.key
		case strings.HasSuffix(name, "/resend-webhook-secret"):
			value = mails.webhook
		case strings.HasSuffix(name, "/resend-inbound-webhook-secret"):
			value = mails.inbound
		case strings.HasSuffix(name, "/edge-secrets"):
			value = edge
		case strings.HasSuffix(name, "/stripe-secret-key"):
			value = payments.key
		case strings.HasSuffix(name, "/stripe-webhook-secret"):
			value = payments.platform
		case strings.HasSuffix(name, "/stripe-connect-webhook-secret"):
			value = payments.connect
		}
		all = append(all, ssm.Parameter{Name: name, Value: value})
	}
	return all
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
