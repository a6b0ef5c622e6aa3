"""What Linux 6.18 answers to the scripts of `key_scripts`, made by root, call 0 first.

A serial number is shown as ``#n``, the call that gave it first; what a keyring links as ``{n,…}``.
"""

from __future__ import annotations

ANSWERS = {
    "numbers_that_are_no_serial_number": (
        "#0 EINVAL EINVAL ENOKEY EINVAL EINVAL EINVAL EINVAL ENOKEY ENOKEY ENOKEY ENOKEY "
        "ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY EINVAL "
        "EINVAL ENOKEY EINVAL EINVAL EINVAL EINVAL ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY "
        "ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY EINVAL EINVAL "
        "ENOKEY EINVAL EINVAL EINVAL EINVAL ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY "
        "ENOKEY"
    ),
    "numbers_that_make_a_keyring": (
        "#0 EINVAL EINVAL EINVAL EINVAL EINVAL ok ok ok ok ok ok ok ok ok ok EINVAL EINVAL "
        "EINVAL EINVAL EINVAL ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY "
        "ENOKEY ENOKEY EINVAL EINVAL EINVAL EINVAL EINVAL ENOKEY ENOKEY ENOKEY ENOKEY "
        "ENOKEY"
    ),
    "names_of_types": (
        "#0 #1 ENODEV EPERM EINVAL EINVAL ENODEV ENODEV EINVAL ENOKEY EINVAL EINVAL EINVAL "
        "EINVAL EPERM EPERM ENOKEY ENOKEY EINVAL ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY"
    ),
    "names_of_keys": (
        "#0 #1 EINVAL EINVAL EINVAL EINVAL ENOTDIR ENOTDIR EINVAL EINVAL EINVAL EINVAL "
        "ENOTDIR ENOTDIR EINVAL #15 EINVAL EINVAL ENOTDIR ENOTDIR EINVAL EINVAL EINVAL "
        "EINVAL ENOTDIR ENOTDIR EINVAL EINVAL EINVAL EINVAL ENOTDIR ENOTDIR EPERM EPERM "
        "EPERM EPERM EPERM EPERM EINVAL EINVAL EINVAL EINVAL ENOTDIR ENOTDIR EINVAL EINVAL "
        "EINVAL EINVAL ENOTDIR ENOTDIR EINVAL EINVAL EINVAL EINVAL ENOTDIR ENOTDIR ENODEV "
        "ENODEV EINVAL EINVAL ENODEV ENODEV ENODEV ENODEV EINVAL EINVAL ENODEV ENODEV "
        "ENODEV ENODEV EINVAL EINVAL ENODEV ENODEV EPERM ENOKEY ENOKEY"
    ),
    "lengths": (
        "#0 #1 EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL #8 EINVAL EINVAL EINVAL EINVAL ok "
        "EINVAL EINVAL EINVAL"
    ),
    "logon_keys": (
        "#0 EINVAL EINVAL EINVAL EINVAL #5 'logon;0;0;3d010000;a:b' EOPNOTSUPP #5 ok "
        "EINVAL #5 ok EOPNOTSUPP EKEYREVOKED"
    ),
    "adding_again_updates": (
        "#0 #1 b'one' #1 b'two' ok b'three' #7 'keyring;0;0;3f010000;r' EOPNOTSUPP "
        "EOPNOTSUPP #11 {1,11} ok ENOKEY ok EACCES EACCES"
    ),
    "revoked_keys": (
        "#0 #1 #2 ok EKEYREVOKED EKEYREVOKED EKEYREVOKED EKEYREVOKED EKEYREVOKED "
        "EKEYREVOKED EKEYREVOKED EKEYREVOKED EKEYREVOKED EKEYREVOKED ok EKEYREVOKED "
        "EKEYREVOKED EKEYREVOKED {1,2} #19 {1,19} ok ENOKEY ENOKEY ok #25 ok ok ENOKEY"
    ),
    "revoked_keyrings": (
        "#0 #1 #2 ok ok EKEYREVOKED {1,2} 'user;0;0;3f010000;a' EKEYREVOKED EKEYREVOKED "
        "EKEYREVOKED EKEYREVOKED EKEYREVOKED EKEYREVOKED #14"
    ),
    "a_revoked_session_keyring": (
        "#0 #1 ok EKEYREVOKED EKEYREVOKED EKEYREVOKED EKEYREVOKED ENOKEY #8 "
        "'keyring;0;0;3f030000;_ses'"
    ),
    "invalidated_keys": (
        "#0 #1 #2 #3 ok ok ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY #11 ok {2,11} #11 ok ENOKEY EACCES"
    ),
    "expired_keys": (
        "#0 #1 #2 #3 #4 #5 ok ok ok ok EKEYEXPIRED EKEYEXPIRED EKEYEXPIRED EKEYEXPIRED "
        "EKEYEXPIRED EKEYEXPIRED EKEYEXPIRED EKEYEXPIRED EKEYEXPIRED EKEYEXPIRED "
        "EKEYEXPIRED EKEYEXPIRED ENOKEY EINVAL #1 b'new' 'user;0;0;3f010000;a' ok #4 b'x' "
        "EKEYEXPIRED EKEYEXPIRED EKEYEXPIRED EKEYEXPIRED #34 {1,5,34}"
    ),
    "timeouts": (
        "#0 #1 ok 'user;0;0;3f010000;a' ok 'user;0;0;3f010000;a' ok 'user;0;0;3f010000;a' ok"
    ),
    "cycles": (
        "#0 #1 #2 EDEADLK EDEADLK EDEADLK ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR "
        "ENOENT ok ok {2} EINVAL EINVAL ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY ENOKEY"
    ),
    "depth": (
        "#0 #1 #2 ok #4 #4 EDEADLK #7 #8 #9 ok #11 #11 EDEADLK #14 #15 #16 #17 ok #19 #19 "
        "EDEADLK #22 #23 #24 #25 #26 ok #28 #28 EDEADLK #31 #32 #33 #34 #35 #36 ok #38 #38 "
        "EDEADLK #41 #42 #43 #44 #45 #46 #47 ok #49 #49 EDEADLK #52 #53 #54 #55 #56 #57 "
        "#58 #59 ok #61 ENOKEY EDEADLK #64 #65 #66 #67 #68 #69 #70 #71 #72 ELOOP EACCES "
        "ENOKEY EACCES"
    ),
    "links_by_type_and_description": (
        "#0 #1 #2 #3 ok {2,3} ok ENOKEY ok {2,3} #10 #11 #12 #13 ok {} {12} ENOENT ok ok "
        "ENOKEY {} b''"
    ),
    "searches": (
        "#0 #1 #2 #2 #2 {1,2} ok #2 #2 ENOKEY ENOKEY ENOKEY #0 #1 #1 ENOKEY ENOTDIR "
        "ENOTDIR ok EACCES EACCES EACCES #2 ok EACCES EACCES EACCES EACCES EACCES"
    ),
    "errors_of_several_keyrings": (
        "#0 #1 ok EKEYREVOKED #4 ENOKEY ok EKEYREVOKED #8 ENOKEY ok EKEYREVOKED "
        "EKEYREVOKED ENOKEY EACCES"
    ),
    "what_a_mask_lets_one_do_to_a_key": (
        "#0 #1 #2 ok 'user;0;0;3f000000;3f000000' b'x' ok ok #2 #2 ok #2 ok ok ok #2 ok ok "
        "#18 ok EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES ok EACCES "
        "EACCES ok ok #34 ok EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES "
        "EACCES ok EACCES EACCES ok ok #50 ok EACCES EACCES EACCES EACCES EACCES EACCES "
        "EACCES #50 EACCES ok EACCES EACCES ok ok #66 ok EACCES b'x' EACCES EACCES #66 #66 "
        "EACCES EACCES EACCES ok EACCES #66 ok ok #82 ok EACCES EACCES EACCES EACCES "
        "EACCES EACCES EACCES EACCES EACCES ok EACCES EACCES ok ok #98 ok EACCES EACCES "
        "EACCES EACCES EACCES EACCES EACCES EACCES EACCES ok EACCES EACCES ok ok #114 ok "
        "EACCES b'x' ok EACCES #114 #114 EACCES #114 EACCES ok EACCES #114 ok ok #130 ok "
        "EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES ok EACCES EACCES "
        "ok ok #146 ok 'user;0;0;003f0000;003f0000' b'x' ok ok #146 #146 ok #146 ok ok ok "
        "#146 ok ok #162 ok 'user;0;0;00010000;00010000' EACCES EACCES EACCES EACCES "
        "EACCES EACCES EACCES EACCES ok EACCES EACCES ok ok EINVAL EINVAL EINVAL EINVAL "
        "EINVAL EINVAL #184 ok ok #187 ok EACCES EACCES ENOKEY ENOKEY"
    ),
    "what_a_mask_lets_one_do_to_a_keyring": (
        "#0 #1 #2 ok #2 #5 {2,5} #2 #2 'user;0;0;3f010000;in 3f000000' #1 ok ok #13 #14 ok "
        "EACCES EACCES EACCES ENOKEY EACCES 'user;0;0;3f010000;in 01000000' EACCES EACCES "
        "EACCES #25 #26 ok EACCES EACCES EACCES ENOKEY EACCES 'user;0;0;3f010000;in "
        "02000000' EACCES EACCES EACCES #37 #38 ok EACCES EACCES EACCES ENOKEY EACCES "
        "'user;0;0;3f010000;in 04000000' EACCES EACCES EACCES #49 #50 ok EACCES EACCES "
        "{50} #50 #50 'user;0;0;3f010000;in 08000000' #49 EACCES EACCES #61 #62 ok EACCES "
        "EACCES EACCES ENOKEY EACCES 'user;0;0;3f010000;in 10000000' EACCES EACCES EACCES "
        "#73 #74 ok EACCES EACCES EACCES ENOKEY EACCES 'user;0;0;3f010000;in 20000000' "
        "EACCES EACCES EACCES #85 #86 ok #86 #89 {86,89} #86 #86 'user;0;0;3f010000;in "
        "0e000000' #85 ok ok #97 #98 ok EACCES EACCES EACCES ENOKEY EACCES "
        "'user;0;0;3f010000;in 00000000' EACCES EACCES EACCES #109 #110 ok #110 #113 "
        "{110,113} #110 #110 'user;0;0;3f010000;in 003f0000' #109 ok ok"
    ),
    "owners_groups_and_others": (
        "#0 #1 ok ok #4 ok ok #7 ok ok #10 ok ok #13 ok ok #16 ok ok #19 ok ok #22 ok ok "
        "'user;0;0;003f0000;own' b'x' 'user;61321;0;00003f00;group 0' b'x' EACCES EACCES "
        "'user;61321;0;0000003f;others, no group bit' b'x' EACCES b'x' "
        "'user;99999;99998;0000003f;others' b'x' EACCES EACCES "
        "'user;61321;61321;3f000000;possessor' b'x' ok EACCES EACCES EACCES EACCES EACCES "
        "EACCES EACCES EACCES EACCES EACCES 'user;99999;99998;0000003f;others' ok "
        "'user;0;0;0000003f;own, for others' ok 'user;61321;61321;3f000000;possessor' ok "
        "ok EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES "
        "'user;99999;99998;0000003f;others' ok 'user;0;0;0000003f;own, for others' ok "
        "'user;61321;61321;3f000000;possessor' ok ok EACCES EACCES EACCES EACCES EACCES "
        "EACCES EACCES EACCES EACCES EACCES 'user;99999;99998;0000003f;others' ok "
        "'user;0;0;0000003f;own, for others' ok 'user;61321;61321;3f000000;possessor' ok "
        "ok EACCES EACCES 'user;61321;0;00003f00;group 0' ok 'user;61321;7;00003f00;group "
        "7' ok 'user;61321;0;0000003f;others, no group bit' ok EACCES EACCES "
        "'user;99999;99998;0000003f;others' ok 'user;0;0;0000003f;own, for others' ok "
        "'user;61321;61321;3f000000;possessor' ok ok EACCES EACCES EACCES EACCES EACCES "
        "EACCES 'user;61321;0;0000003f;others, no group bit' ok "
        "'user;61321;0;0000023f;others, a group bit' ok 'user;99999;99998;0000003f;others' "
        "ok 'user;0;0;0000003f;own, for others' ok 'user;61321;61321;3f000000;possessor' "
        "ok ok EACCES EACCES EACCES EACCES EACCES EACCES ok EACCES EACCES EACCES ok EACCES "
        "ok ok ok EACCES ok ok EACCES ok ok ok ok ok #151 EACCES ok ok ok "
        "'user;5;6;3f3f3f3f;mine'"
    ),
    "keyrings_of_a_process": (
        "#0 'keyring;61321;61321;3f030000;_ses' ENOKEY #3 "
        "'keyring;61321;61321;3f010000;_tid' #3 ENOKEY #7 "
        "'keyring;61321;61321;3f010000;_pid' #7 #10 #10 #3 {10} #14 "
        "'keyring;61321;61321;3f030000;_ses' b'x' ok ENOKEY ok"
    ),
    "keyrings_of_a_user": (
        "#0 #1 ok ok ok 'keyring;61321;65534;1f3f0000;_uid.61321' "
        "'keyring;61321;65534;1f3f0000;_uid_ses.61321' {1} ok ENOENT {} #11 EACCES ok b'x' "
        "ok ok ok ok EACCES ok ok"
    ),
    "joining_by_name": (
        "#0 ok #2 EPERM EINVAL #5 'keyring;61321;61321;3f130000;n1' #7 ok ok #10 #7 "
        "'keyring;61321;61321;3f1f0000;n1' #13 ok #15 #16 #17 ok ok ok #21 ok #21 #2 "
        "'keyring;61321;65534;1f3f0000;_uid_ses.61321' #26 "
        "'keyring;61321;61321;3f030000;_ses'"
    ),
    "keyrings_of_a_user_that_expired": (
        "#0 ok ok ENOKEY ENOKEY ENOKEY 'keyring;61321;61321;3f030000;_ses'"
    ),
}
