/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The provinces as a table.  Some of the 34 took over another's code with
 * another name, so a code alone does not tell a place without a day.
 */

#include "ehr_province.h"

#include "ehr_rules.h"


#define PROVINCE_LEN  2      /* of a code */
#define PREFIX_LEN    3      /* of it in a number: a 0 before */


static const ehr_code_t  province_rows[] = {

    { "01", 0, 0 },         /* Hà Nội */
    { "02", 0, 20250630 },  /* Hà Giang */
    { "04", 0, 0 },         /* Cao Bằng */
    { "06", 0, 20250630 },  /* Bắc Kạn */
    { "08", 0, 0 },         /* Tuyên Quang */
    { "10", 0, 20250630 },  /* Lào Cai */
    { "11", 0, 0 },         /* Điện Biên */
    { "12", 0, 0 },         /* Lai Châu */
    { "14", 0, 0 },         /* Sơn La */
    { "15", 0, 0 },         /* Yên Bái; Lào Cai */
    { "17", 0, 20250630 },  /* Hòa Bình */
    { "19", 0, 0 },         /* Thái Nguyên */
    { "20", 0, 0 },         /* Lạng Sơn */
    { "22", 0, 0 },         /* Quảng Ninh */
    { "24", 0, 0 },         /* Bắc Giang; Bắc Ninh */
    { "25", 0, 0 },         /* Phú Thọ */
    { "26", 0, 20250630 },  /* Vĩnh Phúc */
    { "27", 0, 20250630 },  /* Bắc Ninh */
    { "30", 0, 20250630 },  /* Hải Dương */
    { "31", 0, 0 },         /* Hải Phòng */
    { "33", 0, 0 },         /* Hưng Yên */
    { "34", 0, 20250630 },  /* Thái Bình */
    { "35", 0, 20250630 },  /* Hà Nam */
    { "36", 0, 20250630 },  /* Nam Định */
    { "37", 0, 0 },         /* Ninh Bình */
    { "38", 0, 0 },         /* Thanh Hóa */
    { "40", 0, 0 },         /* Nghệ An */
    { "42", 0, 0 },         /* Hà Tĩnh */
    { "44", 0, 0 },         /* Quảng Bình; Quảng Trị */
    { "45", 0, 20250630 },  /* Quảng Trị */
    { "46", 0, 0 },         /* Thừa Thiên Huế; Huế */
    { "48", 0, 0 },         /* Đà Nẵng */
    { "49", 0, 20250630 },  /* Quảng Nam */
    { "51", 0, 0 },         /* Quảng Ngãi */
    { "52", 0, 0 },         /* Bình Định; Gia Lai */
    { "54", 0, 20250630 },  /* Phú Yên */
    { "56", 0, 0 },         /* Khánh Hòa */
    { "58", 0, 20250630 },  /* Ninh Thuận */
    { "60", 0, 20250630 },  /* Bình Thuận */
    { "62", 0, 20250630 },  /* Kon Tum */
    { "64", 0, 20250630 },  /* Gia Lai */
    { "66", 0, 0 },         /* Đắk Lắk */
    { "67", 0, 20250630 },  /* Đắk Nông */
    { "68", 0, 0 },         /* Lâm Đồng */
    { "70", 0, 20250630 },  /* Bình Phước */
    { "72", 0, 20250630 },  /* Tây Ninh */
    { "74", 0, 20250630 },  /* Bình Dương */
    { "75", 0, 0 },         /* Đồng Nai */
    { "77", 0, 20250630 },  /* Bà Rịa - Vũng Tàu */
    { "79", 0, 0 },         /* TP. Hồ Chí Minh */
    { "80", 0, 0 },         /* Long An; Tây Ninh */
    { "82", 0, 0 },         /* Tiền Giang; Đồng Tháp */
    { "83", 0, 20250630 },  /* Bến Tre */
    { "84", 0, 20250630 },  /* Trà Vinh */
    { "86", 0, 0 },         /* Vĩnh Long */
    { "87", 0, 20250630 },  /* Đồng Tháp */
    { "89", 0, 20250630 },  /* An Giang */
    { "91", 0, 0 },         /* Kiên Giang; An Giang */
    { "92", 0, 0 },         /* Cần Thơ */
    { "93", 0, 20250630 },  /* Hậu Giang */
    { "94", 0, 20250630 },  /* Sóc Trăng */
    { "95", 0, 20250630 },  /* Bạc Liêu */
    { "96", 0, 0 },         /* Cà Mau */
};


static const ehr_codes_t  provinces = ehr_codes(province_rows);


int
ehr_province_is_code(ehr_str_t code, uint32_t day)
{
    return ehr_code_find(&provinces, code, day) != NULL;
}


int
ehr_province_is_prefix(ehr_str_t number)
{
    ehr_str_t  code;

    if (number.len < PREFIX_LEN || number.data[0] != '0') {
        return 0;
    }

    code.data = number.data + 1;
    code.len = PROVINCE_LEN;

    return ehr_province_is_code(code, 0);
}
