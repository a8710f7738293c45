package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/bus"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/size"
)

// stuff puts rows of other people into the table, past the product.
func stuff(t *testing.T, n int) {
	t.Helper()
	for from := 0; from < n; from += 25 {
		var batch []types.WriteRequest
		for i := from; i < min(n, from+25); i++ {
			batch = append(batch, types.WriteRequest{PutRequest: &types.PutRequest{Item: map[string]types.AttributeValue{
				"PK": &types.AttributeValueMemberS{Value: "ORG#org_stuffing#CLIENT"}, "SK": &types.AttributeValueMemberS{Value: fmt.Sprintf("%s-%08d", unique(), i)},
				"_type": &types.AttributeValueMemberS{Value: "CLIENT"}}}})
		}
		if _, err := cloud.Table.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{cloud.Cloud.Table.Name: batch}}); err != nil {
			t.Fatal(err)
		}
	}
}

// sweepOne deletes an account, lets its time pass with every trigger but the schedule off, and gives what the sweep cost.
func sweepOne(t *testing.T) cost {
	t.Helper()
	drain(t)
	p := signUp(t)
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	p.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(2 * time.Minute) })
	if err := p.RunJob(t.Context(), "CloseOrganizations"); err != nil {
		t.Fatal(err)
	}
	p.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(30*24*time.Hour + time.Minute) })
	run(t, "work-requests", bus.Event("WorkRequests", cloud.Clock.Now())) // warm another; the sweep itself must be cold once
	request := run(t, "sweep-retention", bus.Event("SweepRetention", cloud.Clock.Now()))
	c := costOf(cloud.Recorder.OfRequest(request))
	c.Trips = 0 // depends on the machine when calls are made beside each other
	return c
}

// TestTheSweepCostsWhatIsDue sweeps one account among few rows and among many: the calls and units are the same.
func TestTheSweepCostsWhatIsDue(t *testing.T) {
	few, many := 1000, size.Of(5000, 100_000)
	stuff(t, few)
	first := sweepOne(t)
	stuff(t, many-few)
	second := sweepOne(t)
	t.Logf("among %d rows %+v, among %d rows %+v", few, first, many, second)
	if first != second {
		t.Errorf("the sweep costs %+v among %d rows and %+v among %d", first, few, second, many)
	}
	if first.Write == 0 {
		t.Error("the sweep wrote nothing")
	}
}

// TestTheScheduleDoesTheWorkOfALostStream switches the stream off for 48 hours in which accounts fall due, lets TTL
// delete every wake row unheard, and shows that the next scheduled run does all the work.
func TestTheScheduleDoesTheWorkOfALostStream(t *testing.T) {
	var people []*caller
	for range size.Of(2, 20) {
		p := signUp(t)
		p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
		people = append(people, p)
	}
	first := people[0]
	first.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(2 * time.Minute) })
	if err := first.RunJob(t.Context(), "CloseOrganizations"); err != nil {
		t.Fatal(err)
	}
	first.settle()
	cloud.Stream.Off()
	defer cloud.Stream.On()
	cloud.Move(func(c *simclock.Clock) { c.Advance(31 * 24 * time.Hour) })
	if err := first.Sweep(t.Context()); err != nil { // the wake rows go, and nobody hears of it
		t.Fatal(err)
	}
	first.settle() // the deletions have been read, and nobody is told
	cloud.Move(func(c *simclock.Clock) { c.Advance(48 * time.Hour) })
	cloud.Stream.On()
	first.settle()
	before, err := first.Raw(t.Context(), "table")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(before, "USER#"+first.user) {
		t.Error("the account is gone before the schedule ran: the stream was not off")
	}
	if err := first.RunJob(t.Context(), "SweepRetention"); err != nil {
		t.Fatal(err)
	}
	after, err := first.Raw(t.Context(), "table")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range people {
		if strings.Contains(after, p.user) {
			t.Errorf("%s is still there after the scheduled run", p.user)
		}
	}
}
