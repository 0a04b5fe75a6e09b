*** Settings ***
Documentation     Sending, retrying, receiving and acknowledging.

Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
Several senders interleave
    Connect People    alice, bob and carol
    Send Messages    alice and carol    bob    count=40
    Wait Until Acknowledged
    Wait For Deliveries    bob    count=80
    Check History

A chosen device sends
    Connect People    alice and bob    devices=phone and tablet
    Send Messages    alice    bob    count=10    devices=tablet    size=2000
    Wait Until Acknowledged
    Check History

Messages are sent until enough are acknowledged
    Connect People    alice, bob and carol
    Send Messages    alice    bob    count=30
    Wait Until Acknowledged
    Send Until Acknowledged    alice and carol    bob    count=100
    Send Until Acknowledged    alice and carol    bob    count=50
    Check History
    Figure Should Be    acknowledged    100
    Figure Should Be    senders    2

Pairs are two messages each
    Connect People    alice, bob and carol
    Send Pairs    alice    bob    pairs=20    alike=BODY
    Send Pairs    alice and carol    bob    pairs=20    alike=KEY
    Wait Until Acknowledged
    Wait For Deliveries    bob    count=80
    Check History

Pairs need the right number of senders
    Connect People    alice, bob and carol
    Run Keyword And Expect Error    ValueError: Pairs with equal bodies have one sender; alice and carol are 2.
    ...    Send Pairs    alice and carol    bob    pairs=2    alike=BODY
    Run Keyword And Expect Error    ValueError: Pairs with equal keys have two senders; alice are 1.
    ...    Send Pairs    alice    bob    pairs=2    alike=KEY

Oversize messages are refused and the others arrive
    Connect People    alice and bob
    Send Oversize Messages    alice    bob    count=10
    Oversize Messages Should Be Refused
    Wait Until Answered
    Check History

Nothing oversize was sent
    Connect People    alice and bob
    Run Keyword And Expect Error    No oversize message was sent, so nothing is shown;*
    ...    Oversize Messages Should Be Refused

Retries are the same messages
    Connect People    alice and bob    devices=phone and tablet
    Send Messages    alice    bob    count=20
    Wait Until Acknowledged
    Retry Messages    alice
    Retry Messages    alice    on=NEW_CONNECTION
    Retry Messages    alice    device=tablet
    Check History

Bursts that are cut off are settled by their retry
    Connect People    alice and bob
    Send Bursts Cut Off    alice    bob    bursts=3    messages=60
    Retry Messages    alice    which=UNKNOWN
    Wait Until Acknowledged
    Check History

A stream runs until it is stopped
    Connect People    alice and bob
    Start Sending    alice    bob    rate=200
    Wait For Acknowledged Messages    20
    Stop Sending
    Check History

Messages that are not acknowledged are named
    Connect People    alice and bob
    Kill Server
    Send Messages    alice    bob    count=3
    Run Keyword And Expect Error    NotAcknowledged: *alice/phone#*    Wait Until Acknowledged    deadline=1 second

Deliveries that do not come are named
    Connect People    alice and bob
    Run Keyword And Expect Error
    ...    DeadlinePassed: *bob/phone*5*
    ...    Wait For Deliveries
    ...    bob
    ...    count=5
    ...    deadline=0.3 s

What was not acknowledged comes again
    Connect People    alice
    Connect People    bob    acknowledge=MANUAL
    Send Messages    alice    bob    count=10
    Wait For Deliveries    bob    count=10
    Acknowledge Deliveries    bob    first=4
    Disconnect People    bob    how=CUT
    Reconnect People    bob
    Redelivered Messages Should Be    bob    6
    Check History

A wrong number of redeliveries is noticed
    Connect People    alice
    Connect People    bob    acknowledge=MANUAL
    Send Messages    alice    bob    count=10
    Wait For Deliveries    bob    count=10
    Disconnect People    bob
    Reconnect People    bob
    Run Keyword And Expect Error
    ...    Expected bob/phone to be given 4 messages again; it was given 10 before the sentinel.
    ...    Redelivered Messages Should Be
    ...    bob
    ...    4

A log is read page by page
    Connect People    alice and bob
    Send Messages    alice    bob    count=120
    Wait Until Acknowledged
    Connect People    bob    devices=tablet
    Read Log    bob    device=tablet    page=25
    Read Log    bob    device=tablet    page=10    random_cursors=3
    Check History

More conversations than pairs are refused
    Connect Crowd    3
    Run Keyword And Expect Error    ValueError: 3 people make 3 conversations of two, not 4; ask for fewer.
    ...    Exchange Messages    count=10    conversations=4
