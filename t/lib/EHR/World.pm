# SPDX-License-Identifier: BSD-2-Clause

package EHR::World;

# One gateway with everything around it, for one test: a folder and a
# configuration of its own, ports from the kernel, its own Redis, its own
# partner simulator, its own nginx.
#
#   use EHR::World;
#
#   my $world = EHR::World->new(
#       workers  => 2,            # nginx workers
#       redis    => 1,            # 0: "ehr_redis off"
#       sim      => 1,            # 0: no simulator, the partner is down
#       rate     => "off",        # of ehr_rate: "5r/s burst=10"
#       cert_rate => "off",
#       redis_options => "",      # more of ehr_redis: "timeout=50ms"
#       partner  => "",           # more of ehr_partner: "retry=50ms,1s
#                                 # deadline=3d concurrency=4 set.KEY=VALUE"
#       read_timeout => "30s",    # proxy_read_timeout of the partners
#       standin  => undef,        # a second partner, that must not get a
#                                 # document twice (t/plugins/standin):
#                                 # "retry=50ms,1s query=50ms,1s
#                                 # set.query=on"; birth and death notices
#                                 # and driver's exams go to it, EHR::Document
#                                 # ->notice makes one, $world->standin is
#                                 # its simulator (t/sim/README.md: modes),
#                                 # stats->{repeated} what must stay 0
#       standin_plugin => "standin",      # another of t/plugins in its place
#       routes   => [ "claim insurance", "checkin insurance" ],
#       crashes  => 0,            # a plugin crashes on purpose: sanitizers
#                                 # leave SIGSEGV alone
#       validators => undef,      # of ehr_validator, [ "claim plugin=..." ];
#                                 # undef: all that were built
#       claim_rules => "set.rule.D13=off",    # of theirs for claims: those of
#                                 # tests are of one year for ever, and D13
#                                 # warns in every other one
#       store_keys => undef,      # files of ehr_store_key; undef: the PKI's;
#                                 # []: none, documents lie in clear
#       accounts => { 99001 => { username => ..., password => ... } },
#       fault    => 0,            # 1: nginx runs under t/fault; fault() is
#                                 # the EHR::Fault of the journal's files
#       trace    => 0,            # 1: and the calls are recorded
#       daemon   => 0,            # 1: nginx is no child of the test
#       log_level => "info",
#       # directives of nginx, as text, at every level:
#       main => "", events => "", http => "", gateway => "", location => "",
#       admin => "", courier => "", partner_location => "",
#   );
#   $world->start;                # dies when it does not come up
#   $world->enrol("99001");       # by the admin API; certificate 99001.pem;
#                                 # (code, name => , rate => , burst => ,
#                                 # kinds => [], standard => , cert => "x")
#   my $client = $world->client("99001");           # EHR::Client, connected
#                                 # on first use; more options as there
#   my $token = $world->token("99001");             # POST /oauth2/token
#   my $doc = EHR::Document->claim(facility => "99001");
#   my $res = $world->submit($client, $doc, "Prefer" => "wait=10");
#                                 # with Authorization, of the client's own
#   $res = $world->admin("POST", "/admin/v1/facilities/99001/suspend",
#                        { reason => "test" }, "If-Match" => '"1"');
#   $res = $world->ops("/readyz");
#   my $value = $world->metric('ehr_documents_total{result="accepted"}');
#   my $doc_state = $world->wait_settled($client, $id, 10);   # its JSON once
#                                 # no delivery is pending, sending, retrying
#
#   $world->finish;               # one test of its own: see below
#   done_testing();
#
# Where things are:
#
#   dir  pki  port("gateway"|"admin"|"ops")  log("error"|"access"|...)
#   journal (the SQLite file)  fault (EHR::Fault)  sim (EHR::Sim)
#   conf (text of nginx.conf)
#
# What happens to it:
#
#   stop                 graceful end of nginx (finish does it too)
#   reload               SIGHUP; returns when new workers stand and old ones
#                        have gone (reload(wait => 0): at once)
#   reconfigure(%o)      new(...)'s options again, then reload
#   workers, master      pids
#   kill_worker($pid, $signal)   on purpose; any worker, KILL; gives the pid
#   adopt($pid)          a binary upgrade has put this master in its place
#   kill_all             SIGKILL to master and workers; restart brings it back
#   wait_dead(@workers)  until the master and these are gone: they died on
#                        purpose
#   redis_kill redis_start redis_stop (SIGSTOP) redis_cont  redis_pid
#   issue($name, @opt)   one more certificate, in this world's own folder
#                        (pki.sh issue: "--cn", "x", "--end", ...; first
#                        ca => "server-ca" for another CA); gives the path of
#                        the .pem; client(...) takes such a path too
#   revoke($name)        puts an issued certificate on the list of its CA
#   sha256_of($pem)      hex SHA-256 of the certificate's DER
#   nginx_t(%o)          "nginx -t" with these options over new(...)'s, or of
#                        file => $path as it is: (is it good?, what it said)
#   allow(qr/.../)       log lines that this test provokes and that are no
#                        reason to fail
#
# finish stops everything and is one test that fails when
#   - a worker died that was not killed on purpose,
#   - a log has [alert], [emerg], [crit], or a sanitizer or valgrind spoke,
#   - a canary (a name or number of a document made by EHR::Document) stands
#     in a log, a metric or a problem,
#   - SQLite's integrity check does not say ok.
#
# EHR_KEEP=1 keeps the folder of a test that passed; one that failed is kept
# always.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Fcntl qw(:flock);
use File::Basename qw(basename);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use POSIX ();
use Test::More ();
use Time::HiRes qw(sleep time);

use EHR::Client;
use EHR::Document;
use EHR::Fault;
use EHR::Sim;
use EHR::Util qw(top build wait_for free_port slurp spew run is_sanitized
    limit);

use constant {
    START_SEC   => 15,
    STOP_SEC    => 20,
    START_TRIES => 4,
};

# Log lines that are part of a test's own doing everywhere.

my @harmless = (
    qr/signal process started/,
);

my %worlds;
my $main_pid = $$;

# A test that is told to end leaves nothing running behind it.
$SIG{$_} = sub { exit(1) if $$ == $main_pid; POSIX::_exit(1) }
    for qw(TERM INT HUP);


sub new {
    my ($class, %o) = @_;

    my $name = basename($0, ".t");
    my $dir = build() . "/t/run/$name.$$." . scalar(keys %worlds);

    remove_tree($dir);
    make_path(map { "$dir/$_" } qw(logs journal tmp partners pki));

    my $self = bless {
        name      => $name,
        dir       => $dir,
        pki       => _pki(),
        sockets   => tempdir("ehr-XXXXXXXX", TMPDIR => 1, CLEANUP => 1),
        killed    => {},
        allowed   => [],
        o         => { _defaults(), %o },
    }, $class;

    $worlds{$dir} = $self;

    if ($self->{o}{fault}) {
        $self->{fault} = EHR::Fault->new(dir => "$dir/journal",
            plan => "$dir/fault.plan",
            $self->{o}{trace} ? (trace => "$dir/fault.trace") : ());
    }

    return $self;
}


sub _defaults {
    return (
        workers       => 2,
        redis         => 1,
        sim           => 1,
        rate          => "off",
        cert_rate     => "off",
        redis_options => "timeout=50ms",
        partner       => "retry=50ms,1s",
        read_timeout  => "30s",
        routes        => [ "claim insurance", "checkin insurance" ],
        validators    => undef,
        claim_rules   => "set.rule.D13=off",
        standin       => undef,
        standin_plugin => "standin",
        crashes       => 0,
        store_keys    => undef,
        log_level     => "info",
        issuer        => "https://localhost",
        accounts      => {
            99001 => { username => "99001_BV", password => "mat-khau-1" },
            99002 => { username => "99002_BV", password => "mat-khau-2" },
        },
        map { $_ => "" } qw(main events http gateway location admin courier
                            partner_location),
    );
}


# The PKI is made once a build; tests that run side by side wait for it.

sub _pki {
    my $dir = build() . "/t/pki";

    make_path($dir);
    open(my $lock, ">", "$dir/.lock") or die "cannot lock $dir: $!";
    flock($lock, LOCK_EX) or die "cannot lock $dir: $!";

    run(top() . "/conf/dev/pki.sh", "make", $dir);

    return $dir;
}


# --- where things are -------------------------------------------------------

sub dir     { return $_[0]{dir} }
sub pki     { return $_[0]{pki} }
sub sim     { return $_[0]{simulator} }
sub standin { return $_[0]{standin} }
sub journal { return "$_[0]{dir}/journal/ehr.sqlite" }
sub fault   { return $_[0]{fault} }
sub master  { return $_[0]{master} }
sub port    { return $_[0]{ports}{$_[1]} }
sub log     { return slurp("$_[0]{dir}/logs/$_[1].log") }
sub conf    { return slurp("$_[0]{dir}/nginx.conf") }


# --- configuration ----------------------------------------------------------

sub _fill {
    my ($template, $values) = @_;

    my $text = slurp(top() . "/conf/dev/$template");

    $text =~ s{\@(\w+)\@}{
        defined $values->{$1} ? $values->{$1} : die "no value for $1"
    }gex;

    return $text;
}


sub _write_partner {
    my ($self) = @_;

    $self->_write_location("insurance", $self->{simulator});
    $self->_write_location("standin", $self->{standin})
        if defined $self->{o}{standin};

    spew("$self->{dir}/partners/insurance.accounts",
         JSON::PP->new->canonical->encode($self->{o}{accounts}), 0600);

    return;
}


sub _write_location {
    my ($self, $name, $simulator) = @_;

    my $port = $simulator ? $simulator->port : $self->{ports}{nobody};
    my %values = (
        name         => $name,
        server       => "127.0.0.1:$port",
        scheme       => "https",
        path         => "",
        host         => "localhost",
        tls_name     => "localhost",
        trusted      => "$self->{pki}/partner-ca.pem",
        read_timeout => $self->{o}{read_timeout},
        location     => $self->{o}{partner_location},
    );

    for my $part ("upstream", "location") {
        spew("$self->{dir}/partners/$name.$part",
             _fill("partner.$part.in", \%values));
    }

    return;
}


sub _write_conf {
    my ($self) = @_;

    my %o = %{$self->{o}};
    my %ports = %{$self->{ports}};
    my $dir = $self->{dir};

    my $partners = "ehr_partner insurance"
        . " plugin=" . build() . "/plugins/insurance.so"
        . " location=/insurance accounts=$dir/partners/insurance.accounts"
        . " $o{partner};\n"
        . join("", map { "    ehr_route $_;\n" } @{$o{routes}});

    if (defined $o{standin}) {
        $partners .= "    ehr_partner standin"
            . " plugin=" . build() . "/t/plugins/$o{standin_plugin}.so"
            . " location=/standin $o{standin};\n"
            . join("", map { "    ehr_route $_ standin;\n" }
                   qw(birth_notice death_notice driver_exam));
    }

    my $validators = join("", map { "    ehr_validator $_;\n" }
        @{$o{validators} || [ _validators($o{claim_rules}) ]});

    my $redis = $o{redis} ? "unix:$self->{sockets}/redis $o{redis_options}"
                          : "off";

    my $user = "";
    if ($> == 0 && $o{main} !~ /^\s*user\s/m) {
        $user = "user " . getpwuid($>) . ";\n";
    }

    spew("$dir/nginx.conf", _fill("nginx.conf.in", {
        %o,
        main         => $user . $o{main},
        module       => build() . "/ngx_http_ehr_module.so",
        run          => $dir,
        pki          => $self->_pki_view,
        redis        => $redis,
        partners     => $partners,
        validators   => $validators,
        store_keys   => join("\n    ", map { "ehr_store_key $_;" }
                             @{$o{store_keys}
                               || [ "$self->{pki}/store.key" ]}),
        admin_sha256 => $self->sha256_of("$self->{pki}/admin.pem"),
        gateway_port => $ports{gateway},
        gateway_ipv6 => "",
        admin_port   => $ports{admin},
        admin_ipv6   => "",
        ops_port     => $ports{ops},
        courier_socket => "$self->{sockets}/courier",
    }));

    return;
}


# Each kind with its plugin, as conf/nginx.conf has them.

sub _validators {
    my ($claim_rules) = @_;

    my %plugin = (
        claim        => "claims",
        checkin      => "checkin",
        birth_notice => "notices",
        death_notice => "notices",
        driver_exam  => "driver_exam",
    );

    return map { "$_->[0] plugin=$_->[1]"
            . ($_->[0] eq "claim" ? " $claim_rules" : "") }
        grep { -e $_->[1] }
        map { [ $_, build() . "/plugins/$plugin{$_}.so" ] }
        sort keys %plugin;
}


# The PKI is shared, but lists of revoked certificates are this world's own:
# a folder of links with copies of what may change.

sub _pki_view {
    my ($self) = @_;

    my $view = "$self->{dir}/pki";
    return $view if -e "$view/hospital-crl.pem";

    for my $path (glob("$self->{pki}/*.pem $self->{pki}/*.key")) {
        my $file = basename($path);

        if ($file =~ /-crl\.pem$/) {
            spew("$view/$file", slurp($path));

        } else {
            symlink($path, "$view/$file") or die "cannot link $path: $!";
        }
    }

    for my $ca ("hospital-ca", "admin-ca", "server-ca") {
        my $conf = slurp("$self->{pki}/.$ca/ca.cnf");

        $conf =~ s/\Q$self->{pki}\E/$view/g;
        make_path("$view/.$ca/new");
        spew("$view/.$ca/ca.cnf", $conf);
        spew("$view/.$ca/index", "");
    }

    return $view;
}


sub issue {
    my ($self, $name, @options) = @_;

    my $ca = "hospital-ca";
    if (@options && $options[0] eq "ca") {
        (undef, $ca) = splice(@options, 0, 2);
    }

    my $view = $self->_pki_view;

    # Never through a link into the PKI that all tests share.
    unlink "$view/$name.pem", "$view/$name.key";

    run(top() . "/conf/dev/pki.sh", "issue", $view, $ca, $name, @options);

    return "$view/$name.pem";
}


sub revoke {
    my ($self, $name, $ca) = @_;

    run(top() . "/conf/dev/pki.sh", "revoke", $self->_pki_view,
        $ca || "hospital-ca", $name);

    return;
}


# The hospitals' list is one of last year.

sub expire_crl {
    my ($self) = @_;

    my $view = $self->_pki_view;

    run("openssl", "ca", "-config", "$view/.hospital-ca/ca.cnf", "-gencrl",
        "-crl_lastupdate", "20250101000000Z",
        "-crl_nextupdate", "20250201000000Z",
        "-out", "$view/hospital-crl.pem");

    return;
}


sub sha256_of {
    my ($self, $pem) = @_;

    my ($base64) = slurp($pem) =~ m{-----BEGIN\ CERTIFICATE-----
                                    (.+?)
                                    -----END}sx;

    return sha256_hex(decode_base64($base64));
}


# --- life -------------------------------------------------------------------

sub start {
    my ($self) = @_;

    $self->redis_start if $self->{o}{redis};

    if ($self->{o}{sim}) {
        $self->{simulator} = EHR::Sim->new(
            dir      => "$self->{dir}/sim/insurance",
            log      => "$self->{dir}/logs/sim-insurance.log",
            pki      => $self->{pki},
            accounts => $self->{o}{accounts},
        );
        $self->{simulator}->start;
    }

    if (defined $self->{o}{standin}) {
        $self->{standin} = EHR::Sim->new(
            program => "standin",
            dir     => "$self->{dir}/sim/standin",
            log     => "$self->{dir}/logs/sim-standin.log",
            pki     => $self->{pki},
        );
        $self->{standin}->start;
    }

    for my $try (1 .. START_TRIES) {
        $self->{ports} = {
            map { $_ => free_port() } qw(gateway admin ops nobody)
        };

        return $self if $self->_start_nginx;

        my $log = $self->log("error");
        last unless $log =~ /Address already in use/;
        unlink "$self->{dir}/logs/error.log";
    }

    my $said = $self->log("error") . $self->log("stderr");
    $self->{is_finished} = 1;
    $self->_end;
    die "nginx did not come up:\n$said\n";
}


# Also for a world that was stopped: the journal and the ports are the same.

sub restart {
    my ($self) = @_;

    $self->stop;
    $self->_start_nginx or die "nginx did not come up again:\n"
                               . $self->log("error");

    return $self;
}


sub _start_nginx {
    my ($self) = @_;

    $self->_write_partner;
    $self->_write_conf;

    my $mode = $self->{o}{daemon} ? "on" : "off";

    $self->{master} = $self->_spawn("stderr",
        $self->_nginx("$self->{dir}/nginx.conf", "daemon $mode;"));

    if ($self->{o}{daemon}) {
        waitpid($self->{master}, 0);
        my ($pid) = slurp("$self->{dir}/nginx.pid") =~ /(\d+)/;
        $self->adopt($pid) if $pid;
    }

    my $is_up = wait_for(START_SEC, sub {
        return "gone" unless $self->_is_running("master");
        my $res = eval { $self->ops("/livez") };
        return $res && $res->status == 200 ? "up" : undef;
    });

    return 1 if $is_up && $is_up eq "up" && $self->_is_running("master");

    $self->_terminate("master", "KILL");

    return 0;
}


sub _nginx {
    my ($self, $file, $global, @more) = @_;

    my @command = ("nginx", "-p", "$self->{dir}/", "-e",
                   "$self->{dir}/logs/error.log", "-c", $file, "-g", $global,
                   @more);

    if ($ENV{EHR_VALGRIND}) {
        unshift @command, "valgrind", "--quiet", "--trace-children=yes",
            "--suppressions=" . top() . "/conf/dev/valgrind.supp",
            "--log-file=$self->{dir}/logs/valgrind.%p.log";
    }

    return @command;
}


# AddressSanitizer must be the first library of a program that was built
# without it.  What it finds goes to files of its own.  Leaks need whole call
# stacks, which nginx has no frame pointers for: slower, so only on request.

sub _sanitize {
    my ($self) = @_;

    my $leaks = $ENV{EHR_DETECT_LEAKS} ? 1 : 0;
    my $log = "$self->{dir}/logs/sanitizer";

    chomp(my $asan = `gcc -print-file-name=libasan.so`);

    $ENV{LD_PRELOAD} = join(":", $asan,
        $leaks ? build() . "/t/keep_open.so" : (), $ENV{LD_PRELOAD} || ());
    $ENV{ASAN_OPTIONS} = join(":", "detect_leaks=$leaks", "log_path=$log",
        "abort_on_error=1", $self->{o}{crashes} ? "handle_segv=0" : (),
        $leaks ? "fast_unwind_on_malloc=0" : ());
    $ENV{UBSAN_OPTIONS} = "print_stacktrace=1:halt_on_error=1:log_path=$log";
    $ENV{LSAN_OPTIONS} = "print_suppressions=0:suppressions=" . top()
        . "/conf/dev/lsan.supp";

    return;
}


sub _spawn {
    my ($self, $log, @command) = @_;

    my $pid = fork();
    die "cannot fork: $!" unless defined $pid;
    return $pid if $pid;

    open(STDIN, "<", "/dev/null");
    open(STDOUT, ">>", "$self->{dir}/logs/$log.log");
    open(STDERR, ">&", \*STDOUT);
    POSIX::setsid();

    if ($command[0] eq "nginx") {
        # Debian keeps it where a visitor's PATH may not look.
        $ENV{PATH} .= ":/usr/sbin:/sbin";

        # It executes itself by this name at an upgrade.
        ($command[0]) = grep { -x } map { "$_/nginx" } split(/:/, $ENV{PATH});
        $self->_sanitize if $ENV{EHR_SANITIZE};
        $self->fault->set_environment if $self->fault;
    }

    exec(@command) or warn "cannot run $command[0]: $!\n";
    POSIX::_exit(127);
}


# An orphan that has died may wait for whoever reaps it.

sub _is_alive {
    my ($pid) = @_;

    return slurp("/proc/$pid/stat") =~ /\) [^ZX] /;
}


sub _is_running {
    my ($self, $what) = @_;

    my $pid = $self->{$what};
    return 0 unless $pid;

    if ($what eq "master" && $self->{is_adopted}) {
        return _is_alive($pid);
    }

    return 1 if waitpid($pid, POSIX::WNOHANG()) == 0;

    $self->{"${what}_status"} = $?;
    delete $self->{$what};

    return 0;
}


sub _terminate {
    my ($self, $what, $signal) = @_;

    return unless $self->_is_running($what);

    kill($signal, $self->{$what});
    return if wait_for(STOP_SEC, sub { !$self->_is_running($what) });

    kill("KILL", $self->{$what});
    wait_for(STOP_SEC, sub { !$self->_is_running($what) });

    return;
}


sub stop {
    my ($self) = @_;

    $self->_terminate("master", "QUIT");

    return;
}


sub reconfigure {
    my ($self, %o) = @_;

    my $wait = delete $o{wait};

    $self->{o} = { %{$self->{o}}, %o };
    $self->_write_partner;
    $self->_write_conf;

    return $self->reload(defined $wait ? (wait => $wait) : ());
}


sub reload {
    my ($self, %o) = @_;

    my %old = map { $_ => 1 } $self->workers;

    kill("HUP", $self->{master});
    return $self if defined $o{wait} && !$o{wait};

    my $wanted = $self->{o}{workers};

    wait_for(STOP_SEC, sub {
        my @now = $self->workers;
        return @now == $wanted && !grep { $old{$_} } @now;
    }) or die "the reload did not end";

    return $self;
}


sub _children {
    my ($self) = @_;

    return () unless $self->_is_running("master");

    my $pid = $self->{master};

    return split(/ /, slurp("/proc/$pid/task/$pid/children"));
}


sub workers {
    my ($self) = @_;

    return grep { slurp("/proc/$_/cmdline") =~ /worker process/ }
           $self->_children;
}


# Of any master.

sub has_workers {
    my ($self, $master) = @_;

    return scalar(grep { slurp("/proc/$_/cmdline") =~ /worker process/ }
                  split(/ /, slurp("/proc/$master/task/$master/children")));
}


sub kill_worker {
    my ($self, $pid, $signal) = @_;

    if (!$pid) {
        my @workers = grep { slurp("/proc/$_/cmdline") !~ /shutting down/ }
                      $self->workers;
        $pid = $workers[int(rand(@workers))] or die "no worker to kill";
    }

    $self->{killed}{$pid} = 1;
    kill($signal || "KILL", $pid);

    return $pid;
}


# Master and workers at once, as a power cut would.

sub kill_all {
    my ($self) = @_;

    my @workers = $self->workers;

    kill("KILL", $self->{master}, @workers);

    return $self->wait_dead(@workers);
}


sub wait_dead {
    my ($self, @workers) = @_;

    wait_for(STOP_SEC, sub {
        return !$self->_is_running("master") && !grep { _is_alive($_) }
                                                      @workers;
    }) or die "they do not die";

    delete $self->{master_status};

    return;
}


# After a binary upgrade the new master is no child of ours: its pid is all.

sub adopt {
    my ($self, $pid) = @_;

    $self->{master} = $pid;
    $self->{is_adopted} = 1;
    delete $self->{master_status};

    return $self;
}


sub nginx_t {
    my ($self, %o) = @_;

    my $kept = $self->{o};
    my $file = delete $o{file} || "$self->{dir}/nginx.conf";

    $self->{ports} ||= {
        map { $_ => free_port() } qw(gateway admin ops nobody)
    };
    $self->{o} = { %$kept, %o };
    $self->_write_partner;
    $self->_write_conf;

    my $pid = $self->_spawn("nginx-t", $self->_nginx($file, "daemon off;",
                                                     "-t"));
    waitpid($pid, 0);
    my $is_good = $? == 0;

    # What it refuses is [emerg], and on purpose.
    my $said = $self->log("nginx-t") . $self->log("error");
    unlink "$self->{dir}/logs/nginx-t.log";
    unlink "$self->{dir}/logs/error.log" unless $self->{master};

    $self->{o} = $kept;
    $self->_write_partner;
    $self->_write_conf;

    return ($is_good, $said);
}


# --- Redis ------------------------------------------------------------------

sub redis_pid { return $_[0]{redis} }


sub redis_start {
    my ($self) = @_;

    my $socket = "$self->{sockets}/redis";
    unlink $socket;

    $self->{redis} = $self->_spawn("redis", "redis-server", "--port", 0,
        "--unixsocket", $socket, "--save", "", "--appendonly", "no",
        "--dir", "$self->{dir}/tmp");

    wait_for(START_SEC, sub {
        return IO::Socket::UNIX->new(Peer => $socket);
    }) or die "Redis did not come up:\n" . $self->log("redis");

    return;
}


sub redis_kill {
    my ($self) = @_;

    $self->_terminate("redis", "KILL");

    return;
}


sub redis_stop { kill("STOP", $_[0]{redis}); return }
sub redis_cont { kill("CONT", $_[0]{redis}); return }


# --- talking ----------------------------------------------------------------

sub client {
    my ($self, $cert, %o) = @_;

    if (defined $cert && $cert !~ m{/}) {
        $cert = $self->_pki_view . "/$cert.pem";
    }

    return EHR::Client->new(
        port => $self->port("gateway"),
        ca   => "$self->{pki}/server-ca.pem",
        (defined $cert ? (cert => $cert) : ()),
        %o,
    );
}


sub admin_client {
    my ($self, $cert, %o) = @_;

    return $self->client($cert || "admin", port => $self->port("admin"), %o);
}


sub admin {
    my ($self, $method, $path, $json, @headers) = @_;

    my $client = $self->{admin_client} ||= $self->admin_client;
    my @body;

    if ($json) {
        @body = (body => JSON::PP->new->utf8->canonical->encode($json));
        push @headers, "Content-Type" => "application/json";
    }

    my $res = $client->request($method, $path, headers => \@headers, @body);

    # The connection of before may have gone with its worker.
    $res ||= $client->request($method, $path, headers => \@headers, @body);

    return $res;
}


sub ops {
    my ($self, $path) = @_;

    my $client = EHR::Client->new(port => $self->port("ops"), tls => 0);
    return undef unless $client->try_connect;

    return $client->request("GET", $path,
                            headers => [ "Connection" => "close" ]);
}


sub metric {
    my ($self, $name) = @_;

    my $res = $self->ops("/metrics") or return undef;
    my ($value) = $res->body =~ /^\Q$name\E ([-+.\deE]+|NaN)$/m;

    return $value;
}


sub enrol {
    my ($self, $code, %o) = @_;

    my $cert = delete $o{cert};
    $cert = defined $cert ? $cert : $code;
    $cert = $self->_pki_view . "/$cert.pem" unless $cert =~ m{/};

    my $res = $self->admin("POST", "/admin/v1/facilities",
        { code => $code, name => "Co so $code", %o });
    die "cannot enrol $code: " . _said($res)
        unless $res && $res->status == 201;

    $res = $self->admin("POST", "/admin/v1/facilities/$code/certificates",
        { certificate => slurp($cert) });
    die "cannot add the certificate of $code: " . _said($res)
        unless $res && $res->status == 201;

    return $self;
}


sub _said {
    my ($res) = @_;

    return $res ? $res->status . " " . $res->body : "no answer";
}


sub token {
    my ($self, $client, %o) = @_;

    $client = $self->client($client) unless ref $client;

    my $body = "grant_type=client_credentials";
    $body .= "&scope=" . $o{scope} =~ s/ /+/gr if defined $o{scope};

    my $res = $client->request("POST", "/oauth2/token",
        headers => [ "Content-Type" => "application/x-www-form-urlencoded" ],
        body => $body);

    die "no token: " . _said($res) unless $res && $res->status == 200;

    return $res->json->{access_token};
}


# The client keeps its token for as long as it lives.

sub submit {
    my ($self, $client, $doc, @headers) = @_;

    my $path = "/v1/documents";
    if (@headers && $headers[0] eq "path") {
        (undef, $path) = splice(@headers, 0, 2);
    }

    $client->{token} ||= $self->token($client);

    return $client->request("POST", $path,
        headers => [
            "Authorization" => "Bearer $client->{token}",
            "Content-Type" => $doc->type,
            @headers,
        ],
        body => $doc->bytes);
}


# GET with the client's own token.

sub get {
    my ($self, $client, $path, @headers) = @_;

    $client->{token} ||= $self->token($client);

    return $client->get($path, "Authorization" => "Bearer $client->{token}",
                        @headers);
}


sub wait_settled {
    my ($self, $client, $id, $sec) = @_;

    return wait_for($sec || 10, sub {
        my $res = $self->get($client, "/v1/documents/$id");
        return undef unless $res && $res->status == 200;

        my @open = grep { $_->{state} =~ /^(pending|sending|retrying)$/ }
                   @{$res->json->{deliveries}};

        return @open ? undef : $res->json;
    });
}


# --- the end ----------------------------------------------------------------

sub allow {
    my ($self, @patterns) = @_;

    push @{$self->{allowed}}, @patterns;

    return $self;
}


sub _end {
    my ($self) = @_;

    delete $self->{admin_client};

    kill("CONT", $self->{redis}) if $self->{redis};

    $self->stop;
    $self->{simulator}->stop if $self->{simulator};
    $self->{standin}->stop if $self->{standin};
    $self->_terminate("redis", "TERM");

    return;
}


sub finish {
    my ($self) = @_;

    my @faults;

    if ($self->_is_running("master")) {
        my $res = eval { $self->ops("/metrics") };
        spew("$self->{dir}/logs/metrics.log", $res->body) if $res;

    } elsif ($self->{master_status}) {
        push @faults, "nginx is gone: status $self->{master_status}";
    }

    $self->_end;
    $self->{is_finished} = 1;

    push @faults, $self->_faults_in_logs, $self->_canaries,
        $self->_faults_in_journal;

    Test::More::ok(!@faults, "the world is clean")
        or Test::More::diag(join("\n", @faults, "kept: $self->{dir}"));

    $self->{is_clean} = !@faults;

    return $self->{is_clean};
}


sub _is_allowed {
    my ($self, $line) = @_;

    return 1 if grep { $line =~ $_ } @harmless, @{$self->{allowed}};

    return $line =~ /worker process (\d+) exited on signal/
           && $self->{killed}{$1};
}


sub _faults_in_logs {
    my ($self) = @_;

    my @faults;

    for my $path (glob("$self->{dir}/logs/*")) {
        my $file = basename($path);
        my $text = slurp($path);

        if ($file =~ /^(sanitizer|valgrind)\./) {
            push @faults, "$file: $text" if $text =~ /\S/;
            next;
        }

        for my $line (split(/\n/, $text)) {
            next unless $line =~ /\[(alert|emerg|crit)\]
                                  |AddressSanitizer|LeakSanitizer
                                  |:\ runtime\ error:
                                  |exited\ on\ signal/x;

            push @faults, "$file: $line" unless $self->_is_allowed($line);
        }
    }

    return @faults;
}


sub _canaries {
    my ($self) = @_;

    my @canaries = EHR::Document->canaries or return ();
    my $any = join("|", map { quotemeta } @canaries);
    my @faults;

    for my $path (glob("$self->{dir}/logs/*")) {
        next if basename($path) =~ /^sim-/;
        push @faults, basename($path) . " has a canary: $1"
            if slurp($path) =~ /($any)/;
    }

    for my $problem (@EHR::Client::problems) {
        push @faults, "a problem has a canary: $1: $problem"
            if $problem =~ /($any)/;
    }

    return @faults;
}


sub _faults_in_journal {
    my ($self) = @_;

    return () unless -e $self->journal;

    my $said = eval {
        run("sqlite3", "-readonly", $self->journal, "PRAGMA integrity_check")
    };

    return () if defined $said && $said eq "ok\n";

    return "journal: " . (defined $said ? $said : $@);
}


END {
    # The exit status is the test's, whatever is tidied up here.
    my $status = $?;

    if ($$ == $main_pid) {
        my $has_passed = $status == 0 && Test::More->builder->is_passing;

        for my $world (values %worlds) {
            my $is_done = $world->{is_finished};

            $world->_end unless $is_done;
            remove_tree($world->{dir})
                if $is_done && $has_passed && !$ENV{EHR_KEEP};

            next if $is_done || !$has_passed;
            Test::More::diag("finish was not called");
            $status = 1;
        }
    }

    $? = $status;
}


1;
