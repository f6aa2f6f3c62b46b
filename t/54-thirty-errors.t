#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A claim with thirty planted errors in six sections, of fields and of rules,
# gives exactly those thirty: each in its section, row and field, none twice,
# none of another's making.

use strict;
use warnings;

use FindBin qw($Bin);
use Test::More;

use lib "$Bin/lib";
use EHR::Document;
use EHR::Util qw(run);
use EHR::World;

my $lk = "99001-THIRTY";

# What is done to the sample, and what is to be said of it.

my @planted = (
    # XML1
    [ set => "XML1.GIOI_TINH=9",
        "XML1 GIOI_TINH I6" ],
    [ set => "XML1.NGAY_SINH=19901332",
        "XML1 NGAY_SINH F3" ],
    [ set => "XML1.MA_DANTOC=",
        "XML1 MA_DANTOC T.required" ],
    [ set => "XML1.DIEN_THOAI=0900000000000000",
        "XML1 DIEN_THOAI F11" ],
    [ set => "XML1.KET_QUA_DTRI=",
        "XML1 KET_QUA_DTRI T.required" ],
    [ drop => "XML1.LY_DO_VV",
        "XML1 LY_DO_VV T.required" ],
    [ set => "XML1.MA_KHUVUC=K9",
        "XML1 MA_KHUVUC K12" ],
    # XML2
    [ set => "XML2.1.MA_THUOC=",
        "XML2:1 MA_THUOC T.required" ],
    [ drop => "XML2.1.TEN_THUOC",
        "XML2:1 TEN_THUOC T.required" ],
    [ set => "XML2.1.DUONG_DUNG=1.01.001",
        "XML2:1 DUONG_DUNG F11" ],
    [ set => "XML2.1.NGAY_YL=202602300930",
        "XML2:1 NGAY_YL F1" ],
    [ set => "XML2.2.DON_VI_TINH=",
        "XML2:2 DON_VI_TINH T.required" ],
    [ set => "XML2.2.LIEU_DUNG=",
        "XML2:2 LIEU_DUNG T.required" ],
    [ set => "XML2.2.HAM_LUONG=",
        "XML2:2 HAM_LUONG T.required" ],
    # XML3
    [ set => "XML3.1.DON_VI_TINH=",
        "XML3:1 DON_VI_TINH T.required" ],
    [ set => "XML3.1.NGAY_YL=202601052530",
        "XML3:1 NGAY_YL F1" ],
    [ set => "XML3.2.MA_BAC_SI=",
        "XML3:2 MA_BAC_SI T.required" ],
    [ drop => "XML3.2.MA_BENH",
        "XML3:2 MA_BENH T.required" ],
    [ set => "XML3.3.MA_KHOA=",
        "XML3:3 MA_KHOA T.required" ],
    # XML4
    [ set => "XML4.1.MA_DICH_VU=",
        "XML4:1 MA_DICH_VU T.required" ],
    [ set => "XML4.1.NGAY_KQ=20260105",
        "XML4:1 NGAY_KQ F1" ],
    [ set => "XML4.2.STT=",
        "XML4:2 STT T.required" ],
    # XML5
    [ set => "XML5.1.DIEN_BIEN_LS=",
        "XML5:1 DIEN_BIEN_LS T.required" ],
    [ set => "XML5.1.THOI_DIEM_DBLS=2026",
        "XML5:1 THOI_DIEM_DBLS F1" ],
    [ set => "XML5.2.NGUOI_THUC_HIEN=",
        "XML5:2 NGUOI_THUC_HIEN T.required" ],
    # XML7
    [ set => "XML7.NGAY_CT=2026-01-07",
        "XML7 NGAY_CT F2" ],
    [ set => "XML7.TEN_BS=",
        "XML7 TEN_BS T.required" ],
    [ drop => "XML7.PP_DIEUTRI",
        "XML7 PP_DIEUTRI T.required" ],
    [ set => "XML7.SO_LUU_TRU=",
        "XML7 SO_LUU_TRU T.required" ],
    [ set => "XML7.MA_BS=",
        "XML7 MA_BS T.required" ],
);

is scalar(@planted), 30, "thirty are planted";

my $bytes = run($^X, "$Bin/samples/make-claim.pl", "--facility", "99001",
    "--lk", $lk, map { ("--$_->[0]", $_->[1]) } @planted);

my $world = EHR::World->new(workers => 1, sim => 0, redis => 0,
    rate => "off", cert_rate => "off");
$world->start;
$world->enrol("99001");

my $res = $world->submit($world->client("99001"),
    EHR::Document->raw($bytes));

is $res->status, 422, "refused";
is $res->code, "document.invalid", "as invalid";

my @said = map { "$_->{section}" . ($_->{row} ? ":$_->{row}" : "")
        . " $_->{field} $_->{rule}" }
    grep { $_->{severity} eq "error" } @{ $res->json->{errors} };

is_deeply [ sort @said ], [ sort map { $_->[2] } @planted ],
    "for exactly these reasons";

my %sections = map { $_->{section} => 1 } @{ $res->json->{errors} };
is scalar(keys %sections), 6, "in six sections";

$world->finish;
done_testing();
