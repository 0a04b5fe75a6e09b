*** Settings ***
Documentation     The server is started, killed and found dead.

Library           WaybillLibrary.Kills
Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
A killed server comes back on its data
    Connect People    alice and bob
    Send Messages    alice    bob    count=30
    Wait Until Acknowledged
    Kill Server    moment=after thirty messages
    Start Server
    Reconnect Everybody
    Check History

A dead server is noticed
    Connect People    alice
    Kill Server
    Run Keyword And Expect Error    Expected every node to run; node ended by itself.*    Server Should Be Running
    Start Server
    Server Should Be Running

A history whose server is down proves nothing
    Connect People    alice and bob
    Send Messages    alice    bob    count=10
    Wait Until Acknowledged
    Kill Server
    Run Keyword And Expect Error    *    Check History    deadline=1 second

Kills come at chosen moments
    Connect People    alice, carol and bob
    Connect People    dave
    Disconnect People    dave
    Kill After Acknowledgements    alice    bob    count=20
    Kill During Burst    alice and carol    bob
    Kill On Acknowledgement    dave    number=10
    Kill During Backlog    dave
    Kill After Restart
    Check History

A stopped server comes back on its data
    Connect People    alice and bob
    Send Messages    alice    bob    count=10
    Wait Until Acknowledged
    Stop Server    moment=after ten messages
    Start Server
    Reconnect Everybody
    Check History

A paused server answers nothing and goes on
    Connect People    alice and bob
    Pause Server
    Send Messages    alice    bob    count=3
    Run Keyword And Expect Error    DeadlinePassed: *    Wait Until Acknowledged    deadline=1 second
    Resume Server
    Retry Messages    alice
    Check History

A server that crashes again and again comes back
    Connect People    alice, bob and carol
    Crash Again And Again    times=2
    Kill After Time    carol    after=0.1 seconds
    Check History

A second target in one suite file is refused
    Run Keyword And Expect Error    The target reference is running; one suite file has one target.
    ...    Start Target    reference

A target that does not exist is named with those that do
    Stop Target
    Run Keyword And Expect Error    *refference*reference*    Start Target    refference
    Start
