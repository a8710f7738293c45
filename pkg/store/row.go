package store

import (
	"time"
)

// Keys is where a row lies: its primary key and up to two index keys. A zero index key leaves the index.
type Keys struct {
	Primary Key
	Index1  Key
	Index2  Key
}

// Row is a row type. Its struct embeds Meta and has pointer methods.
type Row interface {
	Keys() Keys   // the one place that states the row's keys
	Type() string // CLIENT
	Head() *Meta
}

// Meta is what every row carries. Package store fills it; areas read Version and set ExpiresAt or DueAt only.
type Meta struct {
	PK         string `dynamo:"PK"`
	SK         string `dynamo:"SK"`
	GSI1PK     string `dynamo:"GSI1PK,omitempty"`
	GSI1SK     string `dynamo:"GSI1SK,omitempty"`
	GSI2PK     string `dynamo:"GSI2PK,omitempty"`
	GSI2SK     string `dynamo:"GSI2SK,omitempty"`
	RowType    string `dynamo:"_type"`
	Version    int64  `dynamo:"_v"`
	By         string `dynamo:"_by,omitempty"`        // actor and request
	ExpiresAt  int64  `dynamo:"expires_at,omitempty"` // epoch seconds; the row is gone from then on
	DueAt      int64  `dynamo:"due_at,omitempty"`     // epoch seconds; a root is gone from then on and a worker removes it
	Held       bool   `dynamo:"held,omitempty"`       // a legal hold: never deleted
	Restricted bool   `dynamo:"restricted,omitempty"` // Art. 18: stored, seen by its subject alone
}

// Head gives the meta data of a row that embeds it.
func (m *Meta) Head() *Meta { return m }

// sortIn is the row's sort key in an index.
func (m *Meta) sortIn(i Index) string {
	switch i {
	case Index1:
		return m.GSI1SK
	case Index2:
		return m.GSI2SK
	}
	return m.SK
}

// Alive says whether the row is there for a reader at this time.
func (m *Meta) Alive(now time.Time) bool {
	at := now.Unix()
	return (m.ExpiresAt == 0 || m.ExpiresAt > at) && (m.DueAt == 0 || m.DueAt > at)
}

// Expire makes the row disappear at t. A held row keeps no such time.
func (m *Meta) Expire(t time.Time) {
	if m.Held {
		return
	}
	m.ExpiresAt = t.Unix()
}

func (m *Meta) place(r Row) {
	k := r.Keys()
	m.PK, m.SK = k.Primary.PK, k.Primary.SK
	m.GSI1PK, m.GSI1SK = k.Index1.PK, k.Index1.SK
	m.GSI2PK, m.GSI2SK = k.Index2.PK, k.Index2.SK
	m.RowType = r.Type()
}
