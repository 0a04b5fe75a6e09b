*** Settings ***
Documentation     Devices that log in at awkward moments, and people who must notice nothing of it.

Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
Logins just after a message are recorded like any other
    Connect People    alice, bob and carol
    Log In Soon After Messages    alice    bob and carol    rounds=2    messages=5    latest=50 milliseconds
    Check History

A login that leads nowhere comes again
    Connect People    alice and bob
    Disconnect People    bob
    Send Messages    alice    bob    count=20
    Lose Connection At Login    bob    times=3
    Reconnect People    bob
    Wait Until Acknowledged
    Check History

A device logs in on top of itself
    Connect People    alice and bob
    Start Sending    alice    bob
    Log In Again During Traffic    bob    times=3    messages=60
    Stop Sending
    Check History

Traffic that does not flow is noticed at a login on top of another
    Connect People    alice and bob
    Run Keyword And Expect Error    *acknowledged messages within 0.3 s; there are 0 of 0 sent*
    ...    Log In Again During Traffic    bob    times=3    messages=90    deadline=0.3 seconds

Bursts are sent whole
    Connect People    alice, bob and carol
    Send Bursts    alice and carol    bob    bursts=3    messages=20
    Check History

Frames may be cut anywhere
    Connect People    alice    piece=3
    Connect People    bob
    Send Messages    alice    bob    count=20
    Wait Until Acknowledged
    Check History

A full inbox refuses one message more
    Connect People    alice and bob
    Disconnect People    bob
    Fill Inbox    alice    bob
    Reconnect People    bob
    Check History

Messages from another node arrive after a silence
    Connect People    bob
    Connect To Another Node    alice
    Stay Silent
    Send Messages    alice    bob    count=10
    Connection Should Have Lasted    alice and bob
    Wait Until Acknowledged
    Check History

A connection that did not last is noticed
    Connect People    alice and bob
    Disconnect People    bob    how=CUT
    Run Keyword And Expect Error    bob/phone had nothing to do with *first session ended (cut*
    ...    Connection Should Have Lasted    alice and bob
    Reconnect People    bob
    Run Keyword And Expect Error    bob/phone had nothing to do with *
    ...    Connection Should Have Lasted    bob

Bystanders who notice nothing are fine
    Begin Bystanders    yves    zoe
    Connect People    alice
    Disconnect People    alice    how=CUT
    Bystanders Should Be Untouched
    Check History

A bystander who loses the connection is noticed
    Begin Bystanders    yves    zoe
    Disconnect People    zoe    how=CUT
    Run Keyword And Expect Error    zoe/phone had nothing to do with *
    ...    Bystanders Should Be Untouched

Nobody is a bystander without being asked
    Connect People    alice
    Run Keyword And Expect Error    Nobody is a bystander in this scenario; *
    ...    Bystanders Should Be Untouched

A device that nobody has is refused
    Connect People    alice
    Run Keyword And Expect Error    ValueError: None of alice has a tablet.
    ...    Wait For Deliveries    alice    device=tablet
