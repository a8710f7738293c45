package door

import (
	"net/http"
	"sync"
)

// flight knows the rows of the writes under way. DynamoDB cancels a transaction that meets another writer at a row, and
// refuses a single write that meets a transaction there; two single writes are put one after the other.
type flight struct {
	mu   sync.Mutex
	rows map[[2]string]*writers
}

type writers struct{ transactions, singles int }

// enter takes the rows of a request, or gives the places of those that somebody else writes now.
func (f *flight) enter(q *request) []int {
	if q.operation == "Query" || q.operation == "GetItem" || q.operation == "BatchGetItem" {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rows == nil {
		f.rows = map[[2]string]*writers{}
	}
	var busy []int
	for i, it := range q.items {
		w := f.rows[[2]string{it.leading, it.sort}]
		if w != nil && (w.transactions > 0 || q.transaction() && w.singles > 0) {
			busy = append(busy, i)
		}
	}
	if busy != nil && q.operation != "BatchWriteItem" {
		return busy
	}
	for _, it := range q.items {
		key := [2]string{it.leading, it.sort}
		w := f.rows[key]
		if w == nil {
			w = new(writers)
			f.rows[key] = w
		}
		if q.transaction() {
			w.transactions++
		} else {
			w.singles++
		}
	}
	return nil
}

// leave gives the rows back.
func (f *flight) leave(q *request) {
	if q.operation == "Query" || q.operation == "GetItem" || q.operation == "BatchGetItem" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, it := range q.items {
		key := [2]string{it.leading, it.sort}
		w := f.rows[key]
		if q.transaction() {
			w.transactions--
		} else {
			w.singles--
		}
		if *w == (writers{}) {
			delete(f.rows, key)
		}
	}
}

// all are the places of all items.
func (q *request) all() []int {
	places := make([]int, len(q.items))
	for i := range places {
		places[i] = i
	}
	return places
}

// conflict is how DynamoDB refuses a write that met another. Reads that are no transactions never conflict: nil.
func (q *request) conflict(places []int) *failure {
	if !q.transaction() {
		if !q.writes() || q.operation == "BatchWriteItem" {
			return nil
		}
		return refusal("TransactionConflictException", "Transaction is ongoing for the item")
	}
	f := &failure{status: http.StatusBadRequest, kind: "TransactionCanceledException", reasons: make([]reason, len(q.items)),
		message: "Transaction cancelled, please refer cancellation reasons for specific reasons"}
	for i := range f.reasons {
		f.reasons[i].Code = "None"
	}
	for _, i := range places {
		f.reasons[i] = reason{Code: "TransactionConflict", Message: "Transaction is ongoing for the item"}
	}
	return f
}
