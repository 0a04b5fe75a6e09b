*** Settings ***
Documentation     People and their devices.

Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
People connect on the devices they are given
    Connect People    alice, bob and carol    devices=phone and tablet
    Exchange Messages    count=60    from_devices=ALL
    Wait Until Acknowledged
    Check History

A crowd gets names of its own
    Connect Crowd    12
    Exchange Messages    count=60    conversations=10
    Wait Until Acknowledged
    Check History

Devices go and come back
    Connect People    alice and bob    devices=phone and tablet
    Disconnect People    bob
    Send Messages    alice    bob    count=20
    Reconnect People    bob
    Disconnect Devices    tablet    how=CUT
    Send Messages    bob    alice    count=20
    Reconnect Devices    tablet
    Disconnect People    alice    how=CUT
    Reconnect Everybody
    Wait Until Acknowledged
    Check History

Reconnects are spread over running traffic
    Connect People    alice and bob
    Start Sending    alice    bob
    Reconnect During Traffic    bob    times=3    messages=90
    Stop Sending
    Check History

Traffic that does not flow is noticed
    Connect People    alice and bob
    Run Keyword And Expect Error    *acknowledged messages within 0.3 s; there are 0 of 0 sent*
    ...    Reconnect During Traffic    bob    times=3    messages=90    deadline=0.3 seconds

A device that is connected cannot connect again
    Connect People    alice
    Run Keyword And Expect Error    *alice/phone is connected*close or cut it first*    Connect People    alice

Somebody who is not in the scenario is not found
    Connect People    alice
    Run Keyword And Expect Error    ValueError: Nobody called bob is in this scenario; there are alice.
    ...    Disconnect People    bob

A kind of device that nobody has is not found
    Connect People    alice
    Run Keyword And Expect Error    ValueError: Nobody has a toaster in this scenario; there are phone.
    ...    Disconnect Devices    toaster

Names must read like names
    Run Keyword And Expect Error    *expected names like 'alice', 'alice and bob'*    Connect People    alice & bob

A device cannot connect while the server is down
    Connect People    alice
    Kill Server
    Run Keyword And Expect Error    LoginRefused: *    Reconnect Everybody
    Start Server
    Reconnect Everybody
