*** Settings ***
Documentation     Calls of a server about its data fail because somebody traces it, and the library has no part in it.

Library           Means
Resource          ../common.resource
Resource          ../../keywords/disk.resource

Suite Setup       A target, where it can be traced
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
A disk fails in every way and is mended
    Connect People    alice and bob
    FOR    ${fault}    IN    is full    fails to write    fails to sync    is read-only
        Send While Disk Fails    ${fault}    alice    bob    count=3    mechanism=STRACE
    END
    When alice sends 3 messages to bob while the disk fails to sync, by strace
    Check History

The disk fails from a later call on
    Connect People    alice and bob
    Send While Disk Fails    FAILS TO SYNC    alice    bob    count=8    mechanism=STRACE    first=5
    Check History

A disk that nothing was written to proves nothing
    Connect People    alice and bob
    Run Keyword And Expect Error    FaultWithoutEffect: node made no call that could have failed*
    ...    Send While Disk Fails    IS FULL    alice    bob    count=0    mechanism=STRACE
    Run Keyword And Expect Error    FaultWithoutEffect: node made no call that could have failed*
    ...    Send While Disk Fails    IS FULL    alice    bob    count=3    mechanism=STRACE    first=1000

A mechanism that is none is named with those that are
    Connect People    alice and bob
    Run Keyword And Expect Error    GLOB:*does not have member 'PRAYER'*Available: *INTERPOSED*STRACE*TMPFS*
    ...    Send While Disk Fails    IS FULL    alice    bob    count=1    mechanism=PRAYER


*** Keywords ***
A target, where it can be traced
    [Documentation]    Skips the tests where this machine lets nobody trace a process.
    Skip Unless Possible    strace
    Start
