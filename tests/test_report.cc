// test_report.cc - what a report takes from suspects.csv, and text that stays text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "data/csv.h"
#include "data_support.h"
#include "report/digest.h"
#include "report/html.h"

namespace {

using testing::HasSubstr;

// A file of the test's own that holds a text.
class TextFile {
 public:
  explicit TextFile(const std::string &text) : path_(folder_.Write("table.csv", text)) {}
  const char *path() const {
    return path_.c_str();
  }

 private:
  TempFolder folder_;
  std::string path_;
};

std::string Html(void (*write)(FILE *, const char *), const char *text) {
  char *written = nullptr;
  size_t size = 0;
  FILE *stream = open_memstream(&written, &size);
  write(stream, text);
  fclose(stream);
  std::string result(written, size);
  free(written);
  return result;
}

TEST(ReportCsv, FieldsHoldCommasQuotesAndLineBreaks) {
  TextFile file("row,id\r\n1,\"a, \"\"b\"\"\nc\"\r\n2,\n3,plain");
  ait_csv csv;
  int32_t more;
  ASSERT_EQ(AIT_OK, ait_csv_open(file.path(), &csv)) << ait_last_error();
  ASSERT_EQ(1, ait_csv_column(&csv, "id"));
  EXPECT_EQ(-1, ait_csv_column(&csv, "weight"));
  const char *const ids[] = {"a, \"b\"\nc", "", "plain"};
  const int64_t lines[] = {2, 4, 5};
  for (int64_t i = 0; i < 3; i++) {
    int64_t row;
    ASSERT_EQ(AIT_OK, ait_csv_next(&csv, &more)) << ait_last_error();
    ASSERT_EQ(1, more);
    EXPECT_STREQ(ids[i], csv.field[1]);
    EXPECT_EQ(lines[i], csv.line);
    EXPECT_EQ(AIT_OK, ait_csv_whole(&csv, 0, 1, 3, &row));
    EXPECT_EQ(i + 1, row);
  }
  EXPECT_EQ(AIT_OK, ait_csv_next(&csv, &more));
  EXPECT_EQ(0, more);
  ait_csv_close(&csv);
}

TEST(ReportCsv, DamageIsNamedWithItsLine) {
  const struct {
    const char *text, *words;
  } cases[] = {{"", "is empty"},
               {"row,id\n1\n", "line 2 has 1 fields; expected 2"},
               {"row,id\n1,a\n2,\"b\n", "line 3: a quote is opened and not closed"},
               {"row,id\n1,\"a\"b\n", "line 2: expected a comma"},
               {"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,0,1,2,3,4,5,6\n", "more than 32 fields"}};
  for (const auto &c : cases) {
    TextFile file(c.text);
    ait_csv csv;
    int32_t more = 1;
    ait_status status = ait_csv_open(file.path(), &csv);
    if (status == AIT_OK) {
      while (status == AIT_OK && more) {
        status = ait_csv_next(&csv, &more);
      }
      ait_csv_close(&csv);
    }
    EXPECT_EQ(AIT_BAD_DATA, status) << c.text;
    EXPECT_THAT(ait_last_error(), HasSubstr(c.words));
  }
  ait_csv csv;
  EXPECT_EQ(AIT_NOT_FOUND, ait_csv_open("no-such-table.csv", &csv));
}

TEST(ReportDigest, CountsCurveAndPairsAreThoseOfTheRows) {
  // Four of six rows are wrong, at places 1, 2, 4 and 6.
  TextFile file(
      "row,given_label,given_probability,suggested_label,suggested_probability,weight,score,true_label\n"
      "10,0,0.1,1,0.9,0,6,1\n11,0,0.1,1,0.9,0.02,5,1\n12,2,0.3,1,0.6,0.5,4,2\n"
      "13,1,0.2,2,0.7,1,3,0\n14,1,0.8,1,0.8,1,2,1\n15,0,0.9,0,0.9,0.98,1,2\n");
  ait_digest d;
  ASSERT_EQ(AIT_OK, ait_digest_read(file.path(), nullptr, &d)) << ait_last_error();
  EXPECT_EQ(6, d.rows);
  EXPECT_EQ(3, d.classes);
  EXPECT_EQ(4, d.disagreeing);
  EXPECT_EQ(4, d.wrong);
  EXPECT_EQ(2, d.wrong_made_right);
  EXPECT_TRUE(d.knows_truth && d.has_weights && !d.has_ids);

  ASSERT_EQ(4, d.points);
  const double precision[] = {1, 1, 0.75, 4.0 / 6};
  for (int i = 0; i < 4; i++) {
    EXPECT_DOUBLE_EQ(0.25 * (i + 1), d.recall[i]);
    EXPECT_DOUBLE_EQ(precision[i], d.precision[i]);
  }

  EXPECT_EQ(0, d.low);
  EXPECT_EQ(1, d.high);
  EXPECT_EQ(2, d.other_bars[0]);                    // 0 and 0.02, below 1/48
  EXPECT_EQ(1, d.right_bars[AIT_DIGEST_BARS / 2]);  // 0.5
  EXPECT_EQ(1, d.right_bars[AIT_DIGEST_BARS - 1]);  // 1
  EXPECT_EQ(2, d.other_bars[AIT_DIGEST_BARS - 1]);  // 1 and 0.98

  const int64_t labels[] = {1, 2, 0, 0, 1, 1, 0, 1, 0};
  EXPECT_EQ(std::vector<int64_t>(labels, labels + 9), std::vector<int64_t>(d.labels, d.labels + 9));
  ASSERT_EQ(3, d.pair_count);
  EXPECT_EQ(2, d.pairs[0].rows);
  EXPECT_EQ(0, d.pairs[0].given);
  EXPECT_EQ(1, d.pairs[0].suggested);
  EXPECT_EQ(1, d.pairs[1].given);
  EXPECT_EQ(2, d.pairs[2].given);

  ASSERT_EQ(6, d.suspect_count);
  EXPECT_EQ(12, d.suspects[2].row);
  EXPECT_EQ(4, d.suspects[2].score);
  EXPECT_EQ(nullptr, d.suspects[2].id);
  ait_digest_free(&d);
}

TEST(ReportDigest, ACurveOfManyRowsEndsWhereAllAreFound) {
  std::string text = "row,given_label,given_probability,suggested_label,suggested_probability,score,true_label\n";
  for (int i = 0; i < 2000; i++) {
    text += std::to_string(i) + ",0,0.5,1,0.5," + std::to_string(2000 - i) + "," + (i % 2 == 0 ? "1" : "0") + "\n";
  }
  TextFile file(text);
  ait_digest d;
  ASSERT_EQ(AIT_OK, ait_digest_read(file.path(), nullptr, &d)) << ait_last_error();
  ASSERT_EQ(AIT_DIGEST_POINTS, d.points);
  for (int i = 0; i < d.points; i++) {
    const double found = 1000 * d.recall[i];
    EXPECT_NEAR(found / (2 * found - 1), d.precision[i], 1e-12);  // row 2 k - 1 is the k-th wrong one
    EXPECT_TRUE(i == 0 || d.recall[i] > d.recall[i - 1]);
  }
  EXPECT_EQ(1, d.recall[d.points - 1]);
  EXPECT_EQ(AIT_DIGEST_SUSPECTS, d.suspect_count);
  int64_t bars = 0;
  for (int i = 0; i < AIT_DIGEST_BARS; i++) {
    bars += d.right_bars[i] + d.other_bars[i];
  }
  EXPECT_EQ(2000, bars);
  EXPECT_LT(1, d.low);  // the ends leave one row in two hundred outside
  EXPECT_GT(2000, d.high);
  ait_digest_free(&d);
}

TEST(ReportDigest, ScoresThatAreInfiniteOrAllAlikeHaveBars) {
  const char *const head = "row,given_label,given_probability,suggested_label,suggested_probability,score\n";
  for (const char *rows : {"0,0,1,1,1,inf\n1,0,1,0,1,2\n2,0,1,0,1,-inf\n", "0,0,1,1,1,3\n1,0,1,1,1,3\n2,0,1,0,1,3\n"}) {
    TextFile file(std::string(head) + rows);
    ait_digest d;
    ASSERT_EQ(AIT_OK, ait_digest_read(file.path(), nullptr, &d)) << ait_last_error();
    EXPECT_LT(d.low, d.high);
    EXPECT_TRUE(std::isfinite(d.low) && std::isfinite(d.high));
    int64_t bars = 0;
    for (int i = 0; i < AIT_DIGEST_BARS; i++) {
      bars += d.right_bars[i] + d.other_bars[i];
    }
    EXPECT_EQ(3, bars);
    EXPECT_EQ(0, d.points);
    EXPECT_FALSE(d.knows_truth);
    ait_digest_free(&d);
  }
  TextFile file(head);
  ait_digest d;
  EXPECT_EQ(AIT_BAD_DATA, ait_digest_read(file.path(), nullptr, &d));
}

TEST(ReportDigest, RowsThatTheFileLeavesOutHaveBars) {
  TextFile file(
      "row,given_label,given_probability,suggested_label,suggested_probability,score\n"
      "4,0,0.1,1,0.9,3\n2,1,0.2,0,0.8,1\n");
  const double scores[] = {-1, 7, -2, 7, 1, 7, -2.5, 7, 3, 7};  // the first column is the score
  ait_matrix *values;
  ASSERT_EQ(AIT_OK, ait_matrix_view(AIT_F64, 5, 2, 2, scores, &values));
  ait_digest d;
  ASSERT_EQ(AIT_OK, ait_digest_read(file.path(), values, &d)) << ait_last_error();
  EXPECT_EQ(2, d.rows);
  EXPECT_EQ(5, d.all_rows);
  EXPECT_EQ(-2.5, d.low);
  EXPECT_EQ(3, d.high);
  int64_t right = 0, other = 0;
  for (int i = 0; i < AIT_DIGEST_BARS; i++) {
    right += d.right_bars[i];
    other += d.other_bars[i];
  }
  EXPECT_EQ(3, right);
  EXPECT_EQ(2, other);
  EXPECT_EQ(1, d.right_bars[0]);
  EXPECT_EQ(0, d.right_bars[AIT_DIGEST_BARS - 1]);
  EXPECT_EQ(1, d.other_bars[AIT_DIGEST_BARS - 1]);
  ait_digest_free(&d);
  ait_matrix_destroy(values);
}

TEST(ReportHtml, TextStaysText) {
  EXPECT_EQ("&lt;b&gt; &amp;amp; &quot;q&quot; &#39;", Html(ait_html_text, "<b> &amp; \"q\" '"));
  EXPECT_EQ("caf\xC3\xA9 \xE6\x97\xA5 \xF0\x9F\x98\x80",
            Html(ait_html_text, "caf\xC3\xA9 \xE6\x97\xA5 \xF0\x9F\x98\x80"));
  EXPECT_EQ("<bdi>&lt;</bdi>", Html(ait_html_name, "<"));
  const std::string odd = "\xEF\xBF\xBD";
  for (const char *text : {"\x01", "\x7F", "\xFF", "\x80", "\t"}) {
    EXPECT_EQ(odd, Html(ait_html_text, text));
  }
  // Cut short, overlong, a surrogate, above U+10FFFF: a mark for every byte.
  EXPECT_EQ(odd, Html(ait_html_text, "\xC3"));
  EXPECT_EQ(odd + "&lt;", Html(ait_html_text, "\xE6<"));
  EXPECT_EQ(odd + odd, Html(ait_html_text, "\xC0\xBC"));
  EXPECT_EQ(odd + odd + odd, Html(ait_html_text, "\xE0\x80\xBC"));
  EXPECT_EQ(odd + odd + odd, Html(ait_html_text, "\xED\xA0\x80"));
  EXPECT_EQ(odd + odd + odd + odd, Html(ait_html_text, "\xF4\x90\x80\x80"));
}

TEST(ReportHtml, DataUrisAreBase64) {
  const struct {
    const char *bytes, *text;
  } cases[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar\xFF", "Zm9vYmFy/w=="}};
  for (const auto &c : cases) {
    char *written = nullptr;
    size_t size = 0;
    FILE *stream = open_memstream(&written, &size);
    ait_html_data_uri(stream, "image/png", strlen(c.bytes), reinterpret_cast<const uint8_t *>(c.bytes));
    fclose(stream);
    EXPECT_EQ(std::string("data:image/png;base64,") + c.text, std::string(written, size));
    free(written);
  }
}

}  // namespace
