/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Every fault a document can have is a row of one table: the end of its code,
 * its rule and its sentence in two languages.  Decides what a finding says,
 * not whether there is one.
 */

#include <stdio.h>

#include "ehr_kind.h"
#include "ehr_report.h"
#include "ehr_text.h"


#define EHR_MESSAGE_MAX  512
#define EHR_PATH_MAX     512
#define EHR_CODE_MAX     128

#define EHR_BY_FIELD     0    /* severity as the field's row says */
#define EHR_BY_SECTION   3    /* as the section's: shape, not value */
#define EHR_BY_CODES     4    /* as the field's list of codes */


/* vi, en: "%s" is the label of the field, or of the section for faults of a
 * section; "%u" behind it is the number in the field's row. */

typedef struct {
    const char  *code;
    const char  *rule;
    const char  *text[2];
    uint8_t      severity;    /* EHR_BY_... or ehr_severity_e */
} ehr_fault_row_t;


static const ehr_fault_row_t  report_rows[EHR_FAULT_LAST] = {

    [EHR_FAULT_MISSING] = {
        "missing", "T.required",
        { "%s không được để trống", "%s must not be empty" }, EHR_BY_FIELD },

    [EHR_FAULT_TOO_LONG] = {
        "too_long", "F11",
        { "%s dài quá %u ký tự", "%s is longer than %u characters" },
        EHR_BY_FIELD },

    [EHR_FAULT_LONG] = {
        "long", "F11",
        { "%s dài hơn %u ký tự theo phụ lục",
          "%s is longer than the %u characters of the annex" },
        EHR_SEVERITY_WARNING },

    [EHR_FAULT_DIGITS] = {
        "too_long", "F11",
        { "%s có quá %u chữ số", "%s has more than %u digits" },
        EHR_BY_FIELD },

    [EHR_FAULT_NUMBER] = {
        "type", "F6",
        { "%s phải là số, dấu thập phân là dấu chấm, không có dấu phân nhóm",
          "%s must be a number with a point and without grouping" },
        EHR_BY_FIELD },

    [EHR_FAULT_DATE] = {
        "date", "F2",
        { "%s phải là ngày có thật, gồm 8 chữ số yyyyMMdd",
          "%s must be a day of the calendar, 8 digits yyyyMMdd" },
        EHR_BY_FIELD },

    [EHR_FAULT_TIME] = {
        "date", "F1",
        { "%s phải là thời điểm có thật, gồm 12 chữ số yyyyMMddHHmm",
          "%s must be a time of the calendar, 12 digits yyyyMMddHHmm" },
        EHR_BY_FIELD },

    [EHR_FAULT_DATE_OR_TIME] = {
        "date", "F4",
        { "%s phải là ngày có thật, gồm 8 chữ số yyyyMMdd hoặc 12 chữ số "
          "yyyyMMddHHmm",
          "%s must be a day of the calendar, 8 digits yyyyMMdd or 12 digits "
          "yyyyMMddHHmm" },
        EHR_BY_FIELD },

    [EHR_FAULT_BIRTH] = {
        "date", "F3",
        { "%s phải là thời điểm có thật, gồm 12 chữ số yyyyMMddHHmm; không rõ "
          "ngày tháng thì ghi 0000, không rõ giờ thì ghi 0000",
          "%s must be a time of the calendar, 12 digits yyyyMMddHHmm; day and "
          "month, or time, are 0000 when unknown" },
        EHR_BY_FIELD },

    [EHR_FAULT_SECOND] = {
        "date", "T.date",
        { "%s phải là thời điểm có thật, gồm 14 chữ số yyyyMMddHHmmss",
          "%s must be a time of the calendar, 14 digits yyyyMMddHHmmss" },
        EHR_BY_FIELD },

    [EHR_FAULT_DAY] = {
        "date", "T.date",
        { "%s phải là ngày có thật, gồm 8 chữ số yyyyMMdd, hoặc 4 chữ số khi "
          "chỉ biết năm",
          "%s must be a day of the calendar, 8 digits yyyyMMdd, or 4 when "
          "only the year is known" },
        EHR_BY_FIELD },

    [EHR_FAULT_DMY] = {
        "date", "T.date",
        { "%s phải là ngày có thật, dạng dd/MM/yyyy",
          "%s must be a day of the calendar, dd/MM/yyyy" },
        EHR_BY_FIELD },

    [EHR_FAULT_TOO_MANY_BYTES] = {
        "too_long", "F11",
        { "%s dài quá %u byte UTF-8", "%s is longer than %u bytes of UTF-8" },
        EHR_BY_FIELD },

    [EHR_FAULT_CODES] = {
        "code", NULL,
        { "%s không thuộc danh mục quy định",
          "%s is none of the codes defined for it" },
        EHR_BY_CODES },

    [EHR_FAULT_DUPLICATE] = {
        "duplicate", "T.once",
        { "%s có mặt nhiều lần trong một dòng",
          "%s appears more than once in a row" },
        EHR_BY_SECTION },

    [EHR_FAULT_CHILDREN] = {
        "children", "T.leaf",
        { "%s chứa phần tử con; nội dung có dấu < hoặc > phải được mã hóa "
          "hoặc đặt trong CDATA",
          "%s has child elements; text with < or > must be escaped or put "
          "into CDATA" },
        EHR_BY_SECTION },

    [EHR_FAULT_KEY] = {
        "mismatch", "L1",
        { "%s không giống với các phần khác của hồ sơ",
          "%s differs from that of the other sections" },
        EHR_BY_FIELD },

    [EHR_FAULT_KEY_VARIES] = {
        "varies", "L1",
        { "%s không giống nhau giữa các dòng; hồ sơ được ghi nhận theo dòng "
          "đầu tiên",
          "%s differs between rows; the document is filed under the first" },
        EHR_SEVERITY_WARNING },

    [EHR_FAULT_KEY_FORM] = {
        "form", "T.number",
        { "%s không đúng cấu trúc: số thứ tự, loại, mã cơ sở, năm",
          "%s is not made of sequence, kind, facility code and year" },
        EHR_BY_FIELD },

    [EHR_FAULT_FACILITY] = {
        "mismatch", "L15",
        { "%s không phải là cơ sở đang gửi hồ sơ",
          "%s is not the facility that sends the document" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_ONE] = {
        "value", "T.one",
        { "%s phải bằng 1", "%s must be 1" }, EHR_SEVERITY_ERROR },

    [EHR_FAULT_SECTION_NAMELESS] = {
        "missing", "T.section",
        { "%s: phần không có tên thì không kiểm tra và không chuyển đi được",
          "%s: a section without a name can be neither checked nor passed "
          "on" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_SECTION_UNKNOWN] = {
        "unknown", "T.section",
        { "%s không phải là tên một phần của hồ sơ giám định",
          "%s is not the name of a section of a claim" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_SECTION_UNCHECKED] = {
        "unchecked", "T.section",
        { "%s: phần này chưa có bảng kiểm tra nên được chuyển nguyên trạng",
          "%s: there is no table for this section yet, it is passed on "
          "unchecked" },
        EHR_SEVERITY_WARNING },

    [EHR_FAULT_SECTION_TWICE] = {
        "twice", "T.section",
        { "%s: cùng một phần có mặt nhiều lần trong hồ sơ",
          "%s: the same section appears more than once" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_SECTION_ORDER] = {
        "order", "T.section",
        { "%s: các phần phải theo thứ tự tăng dần từ XML1",
          "%s: sections must be in ascending order from XML1" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_BASE64] = {
        "base64", "T.base64",
        { "%s không phải là Base64 hợp lệ", "%s is not valid Base64" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_JSON_TYPE] = {
        "json", "T.leaf",
        { "%s phải là chuỗi hoặc số", "%s must be a string or a number" },
        EHR_BY_SECTION },

    [EHR_FAULT_CONTROL] = {
        "control", "T.json",
        { "%s chứa ký tự điều khiển", "%s contains a control character" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_COUNT] = {
        "value", "T.one",
        { "%s khác với số hồ sơ có trong tệp",
          "%s is not the number of records in the file" },
        EHR_SEVERITY_WARNING },

    [EHR_FAULT_DISAGREES] = {
        "disagrees", "T.signed",
        { "%s khác với nội dung đã ký",
          "%s differs from what the signed copy says" },
        EHR_BY_FIELD },

    [EHR_FAULT_DECOMPOSED] = {
        "decomposed", "T.nfc",
        { "%s dùng dấu tổ hợp (Unicode tổ hợp), nên dùng Unicode dựng sẵn "
          "(NFC)",
          "%s is decomposed Unicode; precomposed (NFC) is expected" },
        EHR_SEVERITY_WARNING },

    [EHR_FAULT_TCVN3] = {
        "tcvn3", "T.encoding",
        { "%s có vẻ còn mã TCVN3 (ABC), chưa chuyển sang Unicode",
          "%s looks like TCVN3 (ABC) that was not converted to Unicode" },
        EHR_SEVERITY_WARNING },

    [EHR_FAULT_VNI] = {
        "vni", "T.encoding",
        { "%s có vẻ còn mã VNI, chưa chuyển sang Unicode",
          "%s looks like VNI that was not converted to Unicode" },
        EHR_SEVERITY_WARNING },

    [EHR_FAULT_MOJIBAKE] = {
        "mojibake", "T.encoding",
        { "%s có vẻ là UTF-8 bị mã hóa hai lần hoặc mất dấu",
          "%s looks like UTF-8 encoded twice, or has lost characters" },
        EHR_SEVERITY_WARNING },

    [EHR_FAULT_INVISIBLE] = {
        "invisible", "T.encoding",
        { "%s có ký tự không nhìn thấy được (khoảng trắng không ngắt ở đầu "
          "hoặc cuối, ký tự không có bề rộng)",
          "%s has characters that cannot be seen (a fixed blank at an end, "
          "characters without width)" },
        EHR_SEVERITY_WARNING },

    [EHR_FAULT_UNKNOWN] = {
        "unknown", "T.unknown",
        { "%s: có phần tử không thuộc chuẩn dữ liệu",
          "%s: there is an element that the standard does not know" },
        EHR_SEVERITY_WARNING },

    [EHR_FAULT_ORDER] = {
        "order", "T.order",
        { "%s: thứ tự các trường khác với quy định",
          "%s: fields are not in the official order" },
        EHR_SEVERITY_WARNING },

    [EHR_FAULT_TEXT] = {
        "text", "T.text",
        { "%s: có chữ nằm ngoài các trường",
          "%s: there is text outside of fields" },
        EHR_BY_SECTION },

    [EHR_FAULT_ROOT] = {
        "root", "T.root",
        { "%s: phần tử gốc không đúng tên quy định",
          "%s: the root element has another name than the standard says" },
        EHR_BY_SECTION },

    [EHR_FAULT_LIST] = {
        "list", "T.rows",
        { "%s: phần tử danh sách có mặt nhiều lần",
          "%s: the list element appears more than once" },
        EHR_BY_SECTION },

    [EHR_FAULT_ROWS] = {
        "row.empty", "T.rows",
        { "%s: không có dòng dữ liệu nào", "%s: there is no row" },
        EHR_BY_SECTION },

    [EHR_FAULT_KEYLESS] = {
        "key.missing", "T.key",
        { "%s: không có số hoặc mã nào để nhận ra hồ sơ khi gửi lại hay "
          "đính chính",
          "%s: no number or code by which it could be told again when it is "
          "sent anew or corrected" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_ABSENT] = {
        "missing", "L3",
        { "Hồ sơ thiếu phần: %s", "The document lacks the section: %s" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_RECORDS] = {
        "hoso", "T.one",
        { "%s: mỗi lần gửi phải có đúng một HOSO với ít nhất một FILEHOSO",
          "%s: there must be exactly one HOSO with at least one FILEHOSO" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_ROW_TWICE] = {
        "row.twice", "T.rows",
        { "%s: mỗi tệp chỉ được có một bản ghi",
          "%s: there must be one record in a file" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_JSON] = {
        "json", "T.json",
        { "%s: sai cú pháp JSON", "%s: not well-formed JSON" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_JSON_ROW] = {
        "row.json", "T.rows",
        { "%s: mỗi dòng phải là một đối tượng JSON",
          "%s: each row must be a JSON object" },
        EHR_BY_SECTION },

    [EHR_FAULT_JSON_EMPTY] = {
        "json.empty", "T.json", { "%s: không có nội dung", "%s: empty" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_JSON_UTF8] = {
        "json.utf8", "T.json",
        { "%s: không phải UTF-8 hợp lệ", "%s: not valid UTF-8" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_JSON_CONTROL] = {
        "json.control", "T.json",
        { "%s: chứa ký tự điều khiển", "%s: contains a control character" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_JSON_DUPLICATE] = {
        "json.duplicate", "T.json",
        { "%s: một tên có mặt nhiều lần trong cùng đối tượng JSON",
          "%s: a name appears more than once in a JSON object" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_JSON_SIZE] = {
        "json.size", "T.json",
        { "%s: quá lớn đối với JSON", "%s: too large for JSON" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_JSON_DEPTH] = {
        "json.depth", "T.json",
        { "%s: JSON lồng nhau quá sâu", "%s: JSON nested too deeply" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_JSON_VALUES] = {
        "json.values", "T.json",
        { "%s: JSON có quá nhiều giá trị", "%s: too many values in JSON" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML + EHR_SCAN_SYNTAX] = {
        "xml", "T.xml",
        { "%s: sai cú pháp XML", "%s: not well-formed XML" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML + EHR_SCAN_EMPTY] = {
        "xml.empty", "T.xml", { "%s: không có nội dung", "%s: empty" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML + EHR_SCAN_UTF8] = {
        "xml.utf8", "T.xml",
        { "%s: không phải UTF-8 hợp lệ", "%s: not valid UTF-8" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML + EHR_SCAN_CONTROL] = {
        "xml.control", "T.xml",
        { "%s: chứa ký tự điều khiển", "%s: contains a control character" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML + EHR_SCAN_DECLARED] = {
        "xml.encoding", "T.xml",
        { "%s: khai báo bảng mã khác UTF-8",
          "%s: declares another encoding than UTF-8" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML + EHR_SCAN_DOCTYPE] = {
        "xml.doctype", "T.xml",
        { "%s: không được dùng DOCTYPE hoặc ENTITY",
          "%s: DOCTYPE and ENTITY are forbidden" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML + EHR_SCAN_INSTRUCTION] = {
        "xml.instruction", "T.xml",
        { "%s: không được dùng chỉ thị xử lý <?...?>",
          "%s: processing instructions are forbidden" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML + EHR_SCAN_DEPTH_MAX] = {
        "xml.depth", "T.xml",
        { "%s: các phần tử lồng nhau quá sâu", "%s: nested too deeply" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML + EHR_SCAN_ATTRIBUTES_MAX] = {
        "xml.attributes", "T.xml",
        { "%s: một thẻ có quá nhiều thuộc tính",
          "%s: too many attributes in one tag" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML + EHR_SCAN_TAG_MAX] = {
        "xml.tag", "T.xml",
        { "%s: có thẻ hoặc chú thích quá dài",
          "%s: a tag or comment is too long" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML + EHR_SCAN_NAME_MAX] = {
        "xml.name", "T.xml",
        { "%s: có tên quá dài", "%s: a name is too long" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML + EHR_SCAN_TEXT_MAX] = {
        "xml.text", "T.xml",
        { "%s: có đoạn chữ quá dài", "%s: a run of text is too long" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML + EHR_SCAN_CUT] = {
        "xml.cut", "T.xml",
        { "%s: nội dung bị cắt cụt", "%s: the content is cut off" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML + EHR_SCAN_CPU] = {
        "xml.cost", "T.xml",
        { "%s: tốn quá nhiều thời gian xử lý",
          "%s: takes too much time to process" },
        EHR_SEVERITY_ERROR },

    [EHR_FAULT_XML_MEMORY] = {
        "xml.rows", "T.xml",
        { "%s: có quá nhiều dòng gần như trống so với dung lượng",
          "%s: too many nearly empty rows for its size" },
        EHR_SEVERITY_ERROR }
};


/* Stands for the document when no section is known yet. */

static const ehr_section_table_t  report_document = {
    .name = "DOCUMENT",
    .code = "document",
    .label = { "Hồ sơ", "The document" },
    .severity = EHR_SEVERITY_ERROR
};


static uint32_t
report_severity(const ehr_place_t *place, const ehr_fault_row_t *row)
{
    switch (row->severity) {

    case EHR_BY_FIELD:
        return place->field->severity;

    case EHR_BY_SECTION:
        return place->table->severity;

    case EHR_BY_CODES:
        return place->field->codes_severity;

    default:
        return row->severity;
    }
}


static uint32_t
report_setting(const ehr_reading_t *reading, const ehr_place_t *place,
               const ehr_fault_row_t *row)
{
    ehr_severity_names_t  names;
    char                  buf[EHR_CODE_MAX];
    int                   n;

    memset(&names, 0, sizeof(names));
    names.section = ehr_str(place->table->code);
    names.field = ehr_str(place->field ? place->field->code : NULL);
    names.rule = ehr_str(row->rule ? row->rule : place->field->codes_rule);

    n = snprintf(buf, sizeof(buf), "%s.%s", place->field
                 ? place->field->code : place->table->code, row->code);

    if (n > 0 && (size_t) n < sizeof(buf)) {
        names.code.data = buf;
        names.code.len = (size_t) n;
    }

    return ehr_severity_of(reading->severities, &names,
                           report_severity(place, row));
}


/* The same with the administrator's settings.  What must refuse in any case
 * is an error of its own row. */

static uint32_t
report_level(ehr_reading_t *reading, const ehr_place_t *place,
             ehr_fault_e fault)
{
    const void             *of = place->table;
    ehr_report_level_t     *level;
    const ehr_fault_row_t  *row = &report_rows[fault];

    if (reading->severities == NULL || reading->severities->n == 0
        || row->severity == EHR_SEVERITY_ERROR)
    {
        return report_severity(place, row);
    }

    if (place->field) {
        of = place->field;
    }

    level = &reading->levels[((uintptr_t) of / sizeof(ehr_field_t) + fault)
                             % EHR_REPORT_LEVELS];

    if (level->of != of || level->fault != (uint32_t) fault) {
        level->of = of;
        level->fault = fault;
        level->severity = report_setting(reading, place, row);
    }

    return level->severity;
}


static ehr_str_t
report_keep(ehr_reading_t *reading, const char *text, int len, size_t size)
{
    ehr_str_t  s;

    if (len < 0) {
        len = 0;
    }

    /* a cut text is better than none; sizes are ample for our own tables */
    s = ehr_arena_dup(reading->arena, text,
                      (size_t) len < size ? (size_t) len : size - 1);
    reading->is_broken |= (s.data == NULL);

    return s;
}


static ehr_str_t
report_code(ehr_reading_t *reading, const ehr_place_t *place,
            const ehr_fault_row_t *row)
{
    char         buf[EHR_CODE_MAX];
    const char  *begin = place->field ? place->field->code
                                      : place->table->code;
    int          n;

    n = snprintf(buf, sizeof(buf), "%s.%s", begin, row->code);

    return report_keep(reading, buf, n, sizeof(buf));
}


/* The elements of a row: those that hold the fields of a list, or the last
 * but one step of a field's own path. */

static void
report_row(const ehr_place_t *place, char *buf, size_t size)
{
    const ehr_section_table_t  *table = place->table;
    const char                 *path = place->field ? place->field->path : "";
    const char                 *leaf = strrchr(path, '/');

    buf[0] = '\0';

    if (table->list && place->row) {
        (void) snprintf(buf, size, "/%s/%s[%u]", table->list, table->row,
                        place->row);

    } else if (leaf && place->row) {
        (void) snprintf(buf, size, "/%.*s[%u]", (int) (leaf - path), path,
                        place->row);

    } else if (leaf) {
        (void) snprintf(buf, size, "/%.*s", (int) (leaf - path), path);

    } else if (table->row && table->list == NULL) {
        (void) snprintf(buf, size, "/%s", table->row);
    }
}


/* RFC 9535: places in a list count from 0. */

static int
report_json(const ehr_place_t *place, char *buf, size_t size)
{
    const ehr_section_table_t  *table = place->table;
    char                        row[EHR_PATH_MAX / 2];

    row[0] = '\0';

    if (table->list && place->row) {
        (void) snprintf(row, sizeof(row), ".%s[%u]", table->list,
                        place->row - 1);

    } else if (table->list) {
        (void) snprintf(row, sizeof(row), ".%s", table->list);
    }

    return snprintf(buf, size, "$%s%s%s", row, place->field ? "." : "",
                    place->field ? place->field->name : "");
}


/* The place as an XPath. */

static ehr_str_t
report_path(ehr_reading_t *reading, const ehr_place_t *place)
{
    char  buf[EHR_PATH_MAX], row[EHR_PATH_MAX / 2];
    int   n;

    if (place->table->root == NULL) {
        return ehr_str("/");
    }

    if (place->table->is_json) {
        n = report_json(place, buf, sizeof(buf));

        return report_keep(reading, buf, n, sizeof(buf));
    }

    report_row(place, row, sizeof(row));

    n = snprintf(buf, sizeof(buf), "/%s%s%s%s", place->table->root, row,
                 place->field ? "/" : "",
                 place->field ? place->field->name : "");

    return report_keep(reading, buf, n, sizeof(buf));
}


static ehr_str_t
report_message(ehr_reading_t *reading, const ehr_place_t *place,
               const ehr_fault_row_t *row, int lang)
{
    const char  *label = place->field ? place->field->label[lang]
                                      : place->table->label[lang];
    uint32_t     number = 0;
    char         buf[EHR_MESSAGE_MAX];
    int          n;

    if (place->field) {
        number = (row == &report_rows[EHR_FAULT_LONG])
                 ? place->field->official : place->field->longest;
    }

    n = snprintf(buf, sizeof(buf), row->text[lang], label, number);

    return report_keep(reading, buf, n, sizeof(buf));
}


static void
report_fill(ehr_reading_t *reading, const ehr_place_t *place,
            const ehr_fault_row_t *row, ehr_finding_t *f)
{
    f->code = report_code(reading, place, row);
    f->section = ehr_str(place->table->name);
    f->field = ehr_str(place->field ? place->field->name : NULL);
    f->path = report_path(reading, place);
    f->rule = ehr_str(row->rule ? row->rule : place->field->codes_rule);
    f->message_vi = report_message(reading, place, row, EHR_LANG_VI);
    f->message_en = report_message(reading, place, row, EHR_LANG_EN);
}


ehr_report_mark_t
ehr_report_mark(const ehr_reading_t *reading)
{
    ehr_report_mark_t  mark = {
        .nfindings = reading->findings->n,
        .nerrors = reading->findings->nerrors,
        .beyond = reading->findings->beyond,
        .key = reading->key,
        .facility = reading->facility,
        .is_foreign = reading->is_foreign,
        .is_malformed = reading->is_malformed
    };

    return mark;
}


void
ehr_report_forget(ehr_reading_t *reading, const ehr_report_mark_t *mark)
{
    ehr_findings_t  *findings = reading->findings;

    reading->key = mark->key;
    reading->facility = mark->facility;
    reading->is_foreign = mark->is_foreign;
    reading->is_malformed = mark->is_malformed;

    /* in a full list new errors stand where old warnings stood */
    if (findings->n < EHR_FINDINGS_MAX || mark->nfindings == 0) {
        findings->n = mark->nfindings;
        findings->nerrors = mark->nerrors;
        findings->beyond = mark->beyond;
    }
}


/* A list full of errors takes nothing more, and an error among ten million is
 * only counted. */

static int
report_counts(ehr_findings_t *findings, uint32_t severity)
{
    if (findings->n < EHR_FINDINGS_MAX
        || findings->nerrors < EHR_FINDINGS_MAX)
    {
        return 0;
    }

    findings->beyond++;
    findings->nerrors += (severity != EHR_SEVERITY_WARNING);

    return 1;
}


void
ehr_report(ehr_reading_t *reading, const ehr_place_t *place,
           ehr_fault_e fault)
{
    const ehr_fault_row_t  *row = &report_rows[fault];
    uint32_t                severity = report_level(reading, place, fault);
    ehr_finding_t           f;

    if (severity == EHR_SEVERITY_OFF
        || report_counts(reading->findings, severity))
    {
        return;
    }

    memset(&f, 0, sizeof(f));
    f.size = sizeof(f);
    f.severity = severity;
    f.row = place->row;
    f.line = place->line;
    report_fill(reading, place, row, &f);

    if (reading->is_broken
        || ehr_findings_add(reading->findings, &f) == EHR_BROKEN)
    {
        reading->is_broken = 1;
    }
}


void
ehr_report_rows(ehr_reading_t *reading, const ehr_section_table_t *table,
                const ehr_rows_t *rows)
{
    ehr_place_t  place = { table, NULL, 0, 1 };

    reading->is_broken |= rows->is_broken;

    if (rows->is_full) {
        reading->is_malformed = 1;
        ehr_report(reading, &place, EHR_FAULT_XML_MEMORY);
    }
}


/* "xml2.thanh_tien_bv.m1": a rule's code ends in its id. */

static ehr_str_t
report_rule_code(ehr_reading_t *reading, const ehr_place_t *place,
                 ehr_str_t rule)
{
    char         buf[EHR_CODE_MAX];
    const char  *begin = place->field ? place->field->code
                                      : place->table->code;
    int          n;

    n = snprintf(buf, sizeof(buf), "%s.%.*s", begin, (int) rule.len,
                 rule.data);

    for (char *c = buf; *c; c++) {
        if (*c >= 'A' && *c <= 'Z') {
            *c = (char) (*c - 'A' + 'a');
        }
    }

    return report_keep(reading, buf, n, sizeof(buf));
}


ehr_rc_t
ehr_report_place(ehr_arena_t *arena, const ehr_place_t *place,
                 ehr_finding_t *f)
{
    ehr_reading_t  reading;

    memset(&reading, 0, sizeof(reading));
    reading.arena = arena;

    if (f->code.len == 0) {
        f->code = report_rule_code(&reading, place, f->rule);
    }

    if (f->path.len == 0) {
        f->path = report_path(&reading, place);
    }

    return reading.is_broken ? EHR_BROKEN : EHR_OK;
}


void
ehr_report_xml(ehr_reading_t *reading, const ehr_section_table_t *table,
               const ehr_scan_fault_t *fault)
{
    ehr_place_t  place = { table ? table : &report_document, NULL, 0,
                           fault->line };

    reading->is_malformed = 1;

    ehr_report(reading, &place, EHR_FAULT_XML + fault->kind);
}


static ehr_fault_e
report_facility(ehr_reading_t *reading, ehr_str_t v)
{
    if (reading->facility.len == 0) {
        reading->facility = ehr_arena_dup(reading->arena, v.data, v.len);
        reading->is_broken |= (reading->facility.data == NULL);
    }

    if (ehr_str_eq(reading->sender, v)) {
        return EHR_FAULT_NONE;
    }

    reading->is_foreign = 1;

    return EHR_FAULT_FACILITY;
}


/* A number of some kinds says which facility gave it. */

static ehr_fault_e
report_named(ehr_reading_t *reading, ehr_str_t number)
{
    ehr_str_t  facility;

    if (ehr_kind_facility(reading->kind, number, &facility) != EHR_OK) {
        return EHR_FAULT_KEY_FORM;
    }

    return facility.len > 0 ? report_facility(reading, facility)
                            : EHR_FAULT_NONE;
}


void
ehr_report_document(ehr_reading_t *reading, ehr_fault_e fault, uint32_t line)
{
    ehr_place_t  place = { &report_document, NULL, 0, line };

    ehr_report(reading, &place, fault);
}


/* MA_LK binds the sections of a claim to each other; a check-in may tell of
 * several visits. */

static ehr_fault_e
report_key(ehr_reading_t *reading, const ehr_place_t *place, ehr_str_t v)
{
    if (reading->key.len > 0 && ehr_str_eq(reading->key, v)) {
        return EHR_FAULT_NONE;
    }

    v = ehr_text_key(v, reading->arena);

    if (reading->key.len == 0) {
        reading->key = ehr_arena_dup(reading->arena, v.data, v.len);
        reading->is_broken |= (reading->key.data == NULL);

        return report_named(reading, v);
    }

    if (ehr_str_eq(reading->key, v)) {
        return EHR_FAULT_NONE;
    }

    return place->table->is_inner ? EHR_FAULT_KEY : EHR_FAULT_KEY_VARIES;
}


/* Of several papers in one file the first number stands for all; papers of
 * different kinds count for themselves. */

static void
report_number(ehr_reading_t *reading, const ehr_place_t *place, ehr_str_t v)
{
    size_t   len = strlen(place->table->name);
    char    *text;

    if (reading->key.len > 0) {
        return;
    }

    v = ehr_text_key(v, reading->arena);
    text = ehr_arena_alloc(reading->arena, len + 1 + v.len);

    if (v.data == NULL || text == NULL) {
        reading->is_broken = 1;

        return;
    }

    memcpy(text, place->table->name, len);
    text[len] = '/';
    memcpy(text + len + 1, v.data, v.len);
    reading->key.data = text;
    reading->key.len = len + 1 + v.len;
}


/* Text that is right by its row, and still not what somebody typed. */

static ehr_fault_e
report_text(const ehr_field_t *field, const ehr_value_t *value)
{
    static const ehr_fault_e  faults[] = {
        [EHR_TEXT_GOOD] = EHR_FAULT_NONE,
        [EHR_TEXT_DECOMPOSED] = EHR_FAULT_DECOMPOSED,
        [EHR_TEXT_TCVN3] = EHR_FAULT_TCVN3,
        [EHR_TEXT_VNI] = EHR_FAULT_VNI,
        [EHR_TEXT_MOJIBAKE] = EHR_FAULT_MOJIBAKE,
        [EHR_TEXT_INVISIBLE] = EHR_FAULT_INVISIBLE
    };

    if (field->type != EHR_FIELD_TEXT && field->type != EHR_FIELD_BYTES) {
        return EHR_FAULT_NONE;
    }

    return faults[ehr_text_look(ehr_value_str(value))];
}


void
ehr_report_value(ehr_reading_t *reading, const ehr_place_t *place,
                 const ehr_value_t *value)
{
    ehr_fault_e  fault = ehr_field_check(place->field, value);

    if (fault == EHR_FAULT_NONE && value->bytes > 0) {

        if (place->field->role == EHR_ROLE_KEY) {
            fault = report_key(reading, place, ehr_value_str(value));

        } else if (place->field->role == EHR_ROLE_FACILITY) {
            fault = report_facility(reading, ehr_value_str(value));

        } else if (place->field->role == EHR_ROLE_NUMBER) {
            report_number(reading, place, ehr_value_str(value));
        }
    }

    if (fault != EHR_FAULT_NONE) {
        ehr_report(reading, place, fault);
    }

    fault = report_text(place->field, value);

    if (fault != EHR_FAULT_NONE) {
        ehr_report(reading, place, fault);
    }
}
