package door

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
)

// Settings are those of a table that the stand-in has not: the door makes the stream, and nobody recovers anything here.
type Settings struct {
	Stream   bool // with new and old images
	Recovery bool // to a point in time
}

// settings are those of each table by name.
type settings struct {
	mu sync.Mutex
	of map[string]Settings
}

// Set says what the settings of a table are. One that nothing was said of has neither.
func (d *Door) Set(table string, s Settings) {
	d.settings.mu.Lock()
	defer d.settings.mu.Unlock()
	if d.settings.of == nil {
		d.settings.of = map[string]Settings{}
	}
	d.settings.of[table] = s
}

func (s *settings) get(table string) Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[table]
}

// described adds the stream to what the stand-in says of a table.
func (d *Door) described(r *http.Request, q *request, body []byte) (int, http.Header, []byte, error) {
	status, header, text, err := d.forward(r, body)
	if err != nil || status != http.StatusOK || !d.settings.get(q.table).Stream {
		return status, header, text, err
	}
	var out map[string]map[string]json.RawMessage
	if err := json.Unmarshal(text, &out); err != nil {
		return 0, nil, nil, fmt.Errorf("door: describe table: %w", err)
	}
	out["Table"]["StreamSpecification"] = json.RawMessage(`{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}`)
	text, err = json.Marshal(out)
	return status, http.Header{"Content-Type": header["Content-Type"]}, text, err // the sum of the stand-in's body goes
}

// backups answers what the stand-in does not know.
func (d *Door) backups(q *request) (int, http.Header, []byte, error) {
	state := "DISABLED"
	if d.settings.get(q.table).Recovery {
		state = "ENABLED"
	}
	text, err := json.Marshal(map[string]any{"ContinuousBackupsDescription": map[string]any{"ContinuousBackupsStatus": "ENABLED",
		"PointInTimeRecoveryDescription": map[string]any{"PointInTimeRecoveryStatus": state}}})
	return http.StatusOK, http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, text, err
}
