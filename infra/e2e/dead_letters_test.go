package e2e_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/lambda"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/template"
)

// TestAnEventThatNobodyCanReadEndsInItsQueue gives every asynchronous function an event that it cannot read: it is
// tried as often as the template says and then lies whole in the function's queue.
func TestAnEventThatNobodyCanReadEndsInItsQueue(t *testing.T) {
	p := signUp(t)
	p.settle()
	cloud.Lambda.TakeDeadLetters()
	const event = `"no event"`
	want := map[string]string{}
	for _, f := range cloud.Cloud.Functions {
		asynchronous := len(f.Schedules)+len(f.Rules) > 0
		if asynchronous && f.OnFailure == "" {
			t.Errorf("%s has no place for events that fail", f.Name)
		}
		if asynchronous {
			want[f.Name] = f.OnFailure
			cloud.Lambda.InvokeAsync(f.Name, []byte(event))
		}
	}
	p.settle()
	for _, d := range cloud.Lambda.TakeDeadLetters() {
		if d.Queue == "" || d.Queue != want[d.Function] || string(d.Event) != event {
			t.Errorf("%s: %q lies in %q: %s", d.Function, d.Event, d.Queue, d.Error)
		}
		delete(want, d.Function)
	}
	for name := range want {
		t.Errorf("%s: the event is in no queue", name)
	}
}

// crippled takes from a function what it needs to do its work, runs what meanwhile says, and gives it back.
func crippled(t *testing.T, f *template.Function, service string, meanwhile func()) {
	t.Helper()
	whole, before := f.Policy, len(cloud.Recorder.Denials())
	for i, s := range whole.Statements {
		if strings.HasPrefix(s.Actions[0], service+":") {
			f.Policy = f.Policy.Without(i)
		}
	}
	cloud.Lambda.Recycle()
	defer func() {
		f.Policy = whole
		cloud.Lambda.Recycle()
		cloud.Recorder.ForgiveSince(before)
	}()
	meanwhile()
}

// failedRecords gives the dead letters of a reader of the stream, all of which must lie whole in the failed bucket.
func failedRecords(t *testing.T, f *template.Function) []lambda.DeadLetter {
	t.Helper()
	var all []lambda.DeadLetter
	for _, d := range cloud.Lambda.TakeDeadLetters() {
		if d.Function != f.Name {
			continue
		}
		key, ok := strings.CutPrefix(d.Queue, "s3://"+f.Stream.FailedBucket+"/")
		if !ok {
			t.Errorf("%s: a failed record lies in %q: %s", f.Name, d.Queue, d.Error)
		}
		found := false
		for _, o := range cloud.S3.Objects() {
			found = found || o.Bucket == f.Stream.FailedBucket && o.Key == key && o.Size > 0
		}
		if !found {
			t.Errorf("%s: %s is not in the bucket", f.Name, key)
		}
		all = append(all, d)
	}
	if len(all) == 0 {
		t.Errorf("%s: no record failed", f.Name)
	}
	return all
}

// TestChangesThatCannotBeDispatchedAreKeptWhole lets no event onto the bus while somebody signs up: the changes end in
// the failed bucket, and given again they bring the mail.
func TestChangesThatCannotBeDispatchedAreKeptWhole(t *testing.T) {
	f := cloud.Cloud.Function("DispatchChanges")
	c := &caller{Client: client(), t: t, person: journey.NewPerson()}
	var lost []lambda.DeadLetter
	crippled(t, f, "events", func() {
		c.must(202, journey.Call{Method: "POST", Path: "/v1/auth/signup", Body: signUpBody(c.person)})
		c.settle()
		if mails, err := c.Mails(context.Background(), c.person.Email); err != nil || len(mails) != 0 {
			t.Errorf("%d mails, %v; want none while no event comes through", len(mails), err)
		}
		lost = failedRecords(t, f)
	})
	for _, d := range lost {
		cloud.Lambda.InvokeAsync(d.Function, d.Event)
	}
	c.settle()
	c.mailToken("confirm")
}

// TestExpiriesThatCannotBeWorkedOnAreKeptWhole does the same with the wake row of a deleted account.
func TestExpiriesThatCannotBeWorkedOnAreKeptWhole(t *testing.T) {
	f := cloud.Cloud.Function("CascadeExpired")
	p := signUp(t)
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	p.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(2 * time.Minute) })
	if err := p.RunJob(t.Context(), "CloseOrganizations"); err != nil {
		t.Fatal(err)
	}
	p.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(31 * 24 * time.Hour) })
	var lost []lambda.DeadLetter
	crippled(t, f, "dynamodb", func() {
		if err := p.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.settle()
		lost = failedRecords(t, f)
	})
	for _, d := range lost {
		cloud.Lambda.InvokeAsync(d.Function, d.Event)
	}
	p.settle()
	text, err := p.Raw(t.Context(), "table")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, p.user) {
		t.Error("the account is still there after its record was given again")
	}
	for _, d := range cloud.Lambda.DeadLetters() {
		t.Errorf("%s failed again: %s", d.Function, d.Error)
	}
}
