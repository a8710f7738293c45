package lambda

import (
	"errors"
	"testing"
	"time"
)

// A program may answer its last event and end before anybody has looked: that is no crash.
func TestAnAnswerCountsThoughTheProgramHasEndedSince(t *testing.T) {
	for range 100 { // of two channels that are ready either may be taken
		p := &process{events: make(chan event), answers: make(chan answer, 1), gone: make(chan struct{})}
		go func() {
			<-p.events
			p.answers <- answer{payload: []byte("{}")}
			close(p.gone)
		}()
		if a, err := p.invoke(event{}, time.Minute); err != nil || string(a.payload) != "{}" {
			t.Fatalf("invoke = %q, %v; want the answer", a.payload, err)
		}
	}
	p := &process{events: make(chan event), answers: make(chan answer, 1), gone: make(chan struct{})}
	go func() { <-p.events; close(p.gone) }()
	if _, err := p.invoke(event{}, time.Minute); !errors.Is(err, errCrashed) {
		t.Errorf("without an answer it is %v; want a crash", err)
	}
}
