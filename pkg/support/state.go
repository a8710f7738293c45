package support

// Status says who is to move next.
type Status string

// The states of a ticket.
const (
	Open    Status = "open"    // PixelTrack is to answer
	Pending Status = "pending" // the organisation is to answer
	Solved  Status = "solved"  // PixelTrack thinks it is done
	Closed  Status = "closed"  // it is over, and its two years run
)

// Act is what may be done to a ticket.
type Act string

// The acts. PixelTrack's staff answer and solve; the others are the organisation's, staff may close too.
const (
	Reply  Act = "reply"
	Answer Act = "answer"
	Solve  Act = "solve"
	Close  Act = "close"
	Reopen Act = "reopen"
)

type transition struct {
	from Status
	act  Act
	to   Status
}

// transitions is the one table of what leads where. What is not in it is refused.
func transitions() []transition {
	return []transition{
		{Open, Reply, Open}, {Open, Answer, Pending}, {Open, Solve, Solved}, {Open, Close, Closed},
		{Pending, Reply, Open}, {Pending, Answer, Pending}, {Pending, Solve, Solved}, {Pending, Close, Closed},
		{Solved, Reply, Open}, {Solved, Answer, Pending}, {Solved, Close, Closed}, {Solved, Reopen, Open},
		{Closed, Reopen, Open},
	}
}

// After gives the state that an act leads to, false when the state does not allow the act.
func (s Status) After(a Act) (Status, bool) {
	for _, t := range transitions() {
		if t.from == s && t.act == a {
			return t.to, true
		}
	}
	return "", false
}
