package usage

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// MaxEvents is how many events one call may tell of.
const MaxEvents = 50

// EventsIn is the input of create-event.
type EventsIn struct {
	Body struct {
		Events []EventIn `json:"events" minItems:"1" maxItems:"50" doc:"In any order: the order is not kept."`
	}
}

// EventsBody is what became of events.
type EventsBody struct {
	Received int    `json:"received"`
	Kept     int    `json:"kept" doc:"How many are counted."`
	Stop     string `json:"stop,omitempty" enum:"not_agreed,opted_out,too_young" doc:"Why none is kept. Tell of no more until the person has chosen otherwise."`
}

// EventsOut is the answer of create-event.
type EventsOut struct{ Body EventsBody }

// CreateEvent keeps what a person did if they have agreed to it, under a pseudonym of the day.
func CreateEvent(st *store.Store, vault Vault) api.Operation {
	example, three := EventsIn{}.Body, 3
	example.Events = []EventIn{{Name: "feature_used", Feature: "timer_start", Platform: "web"}, {Name: "screen_viewed", Screen: "timer", Platform: "web", Seconds: &three}}
	day := &salts{vault: vault}
	return api.New(api.Route{
		ID: "create-event", Area: "privacy", Method: http.MethodPost, Path: "/v1/events", Audience: api.Users, Status: http.StatusAccepted, ReadsAhead: true,
		Summary: "Tell what is used", Purpose: purpose.Analytics,
		Description: "An event is kept only if its person has agreed to usage analytics before it happened, and neither restricted nor objected, and if the browser does not say that they " +
			"have opted out (Sec-GPC: 1). It is kept for 90 days under a pseudonym of the day whose key is then destroyed, without the time, the order or who it was. " +
			"What is not kept is no error. Send events within the hour, and a repeat under the same Idempotency-Key, so that nothing counts twice.",
		ExampleIn: example, ExampleOut: EventsBody{Received: 2, Kept: 2},
	}, func(ctx context.Context, c *api.Caller, in *EventsIn) (*EventsOut, error) {
		cells := make([]Cell, len(in.Body.Events))
		for n := range in.Body.Events {
			var wrong string
			if cells[n], wrong = in.Body.Events[n].cell(); wrong != "" {
				return nil, problem.InvalidField(fmt.Sprintf("body.events[%d].%s", n, wrong), "an event has the properties of its kind, all of them and no other")
			}
		}
		agreed, err := privacy.Choice(ctx, c.Self, purpose.Analytics)
		if err != nil {
			return nil, err
		}
		if err := c.Checked(); err != nil {
			return nil, err
		}
		out := &EventsOut{EventsBody{Received: len(cells)}}
		if out.Body.Stop = string(privacy.Stopped(c, purpose.Analytics, agreed)); out.Body.Stop != "" {
			return out, nil
		}
		kept := map[Cell]int{}
		for n, cell := range cells {
			if c.Now.Add(-time.Duration(in.Body.Events[n].Ago)*time.Second).Unix() >= agreed.At {
				kept[cell]++
				out.Body.Kept++
			}
		}
		if out.Body.Kept == 0 {
			return out, nil
		}
		nobody := st.BindPlatform(store.Actor{Who: "create-event"}) // neither the person nor the request: both lead to who it was
		salt, err := day.of(ctx, nobody, c.Now, st.IDs().Rand)
		if err != nil {
			return nil, err
		}
		b, err := newBatch(pseudonym(salt, c.User), kept, c.Now, st.IDs().Rand)
		if err != nil {
			return nil, err
		}
		tx := st.Begin()
		tx.Create(nobody, b)
		return out, c.Commit(ctx, tx, "")
	})
}
