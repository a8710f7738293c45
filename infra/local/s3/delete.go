package s3

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"io"
	"net/http"
	"time"
)

func (s *Server) deleteObject(c *call) error {
	id := c.query.Get("versionId")
	if err := s.allow(c, deleteAction(id), c.key); err != nil {
		return err
	}
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	done, err := s.drop(c, c.key, id, c.r.Header.Get("If-Match"))
	if err != nil {
		return err
	}
	if done.DeleteMarker {
		c.w.Header().Set("X-Amz-Delete-Marker", "true")
	}
	if done.version() != "" {
		c.w.Header().Set("X-Amz-Version-Id", done.version())
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func deleteAction(id string) string {
	if id != "" {
		return "s3:DeleteObjectVersion"
	}
	return "s3:DeleteObject"
}

type deleted struct {
	Key                   string `xml:"Key"`
	VersionID             string `xml:"VersionId,omitempty"`
	DeleteMarker          bool   `xml:"DeleteMarker,omitempty"`
	DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
}

// version is what the header of a single delete names: the marker that was made, or the version that is gone.
func (d deleted) version() string {
	if d.DeleteMarkerVersionID != "" {
		return d.DeleteMarkerVersionID
	}
	return d.VersionID
}

// drop deletes an object or one version of it. Deleting what is not there succeeds; an object whose tag is not the one
// given stays. The caller holds the lock.
func (s *Server) drop(c *call, key, id, etag string) (deleted, error) {
	b := c.bucket
	now := s.now()
	if v := b.current(key); etag != "" && (v == nil && etag == "*" || v != nil && !v.matches(etag)) {
		return deleted{}, errPrecondition
	}
	if id == "" && b.Versioning {
		marker := &version{key: key, marker: true, created: now}
		s.shelf.put(b, marker)
		return deleted{Key: key, DeleteMarker: true, DeleteMarkerVersionID: marker.id}, nil
	}
	v := b.find(key, id)
	if id == "" {
		v = b.current(key)
	}
	if v == nil {
		return deleted{Key: key, VersionID: id}, nil
	}
	if v.locked(now) && !s.bypasses(c, v) {
		return deleted{}, &problem{http.StatusForbidden, "AccessDenied", "Access Denied because object protected by object lock."}
	}
	s.shelf.remove(b, v)
	d := deleted{Key: key, VersionID: id, DeleteMarker: v.marker}
	if v.marker {
		d.DeleteMarkerVersionID = v.id
	}
	return d, nil
}

// bypasses says whether the caller may and wants to break a lock of mode GOVERNANCE.
func (s *Server) bypasses(c *call, v *version) bool {
	return v.lockMode == "GOVERNANCE" && !v.legalHold && c.r.Header.Get("X-Amz-Bypass-Governance-Retention") == "true" &&
		s.allow(c, "s3:BypassGovernanceRetention", v.key) == nil
}

type deleteRequest struct {
	Quiet   bool `xml:"Quiet"`
	Objects []struct {
		Key       string `xml:"Key"`
		VersionID string `xml:"VersionId"`
		ETag      string `xml:"ETag"`
	} `xml:"Object"`
}

type deleteFailure struct {
	Key       string `xml:"Key"`
	VersionID string `xml:"VersionId,omitempty"`
	Code      string `xml:"Code"`
	Message   string `xml:"Message"`
}

type deleteResult struct {
	XMLName xml.Name        `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deleted       `xml:"Deleted"`
	Errors  []deleteFailure `xml:"Error"`
}

// deleteObjects deletes up to 1,000 keys or versions; each is allowed or refused by itself.
func (s *Server) deleteObjects(c *call) error {
	if c.r.ContentLength == 0 {
		return &problem{http.StatusBadRequest, "MissingRequestBodyError", "Request Body is empty"}
	}
	if algorithm, err := wanted(c.r.Header); err == nil && algorithm == "" && c.r.Header.Get("Content-Md5") == "" {
		return &problem{http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"}
	}
	var q deleteRequest
	if err := readXML(c, &q); err != nil {
		return err
	}
	if len(q.Objects) == 0 || len(q.Objects) > 1000 {
		return errMalformedXML
	}
	var out deleteResult
	for _, o := range q.Objects {
		done, err := s.dropAllowed(c, o.Key, o.VersionID, o.ETag)
		if err != nil {
			p := problemOf(err)
			out.Errors = append(out.Errors, deleteFailure{Key: o.Key, VersionID: o.VersionID, Code: p.code, Message: p.message})
			continue
		}
		if !q.Quiet {
			out.Deleted = append(out.Deleted, done)
		}
	}
	writeXML(c.w, http.StatusOK, out)
	return nil
}

func (s *Server) dropAllowed(c *call, key, id, etag string) (deleted, error) {
	if err := s.allow(c, deleteAction(id), key); err != nil {
		return deleted{}, err
	}
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	return s.drop(c, key, id, etag)
}

// readXML reads a small body, held to its signature and checksums.
func readXML(c *call, into any) error {
	content, err := c.signed.Body(c.r, c.trailer)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(content, 2<<20))
	if err != nil {
		return err
	}
	algorithm, err := wanted(c.r.Header)
	if err != nil {
		return err
	}
	sum := newSum(cmp.Or(algorithm, "crc64nvme"))
	sum.Write(text) // never fails
	digest := md5.Sum(text)
	r := received{md5: digest[:], checksums: map[string]string{}}
	if err := r.compare(cmp.Or(algorithm, "crc64nvme"), sum, c.r.Header, c.trailer); err != nil {
		return err
	}
	if xml.NewDecoder(bytes.NewReader(text)).Decode(into) != nil {
		return errMalformedXML
	}
	return nil
}

func decodeBase64(text string) []byte {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}

// midnight is the first midnight (UTC) not before t: S3 counts the days of its rules so.
func midnight(t time.Time) time.Time {
	day := t.UTC().Truncate(24 * time.Hour)
	if day.Equal(t) {
		return day
	}
	return day.Add(24 * time.Hour)
}
