*** Settings ***
Documentation     The data of the server go there and back, are cut off on the way, and are shown to who does not know them.

Library           WaybillLibrary.Migrations
Resource          ../common.resource

Suite Setup       Start Target    ${TARGET}    faulty_disk=${True}
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      120 seconds


*** Test Cases ***
Data are the same after any way, killed or not
    Run Oldest Release
    Connect People    alice and bob
    Send Messages    alice    bob    count=100
    Wait Until Acknowledged
    Migrate There And Back
    Kill Migrations    times=1
    Start Oldest Release On Newest Data
    Check History

A row that reads otherwise is named
    [Tags]    not-a-scenario
    Run Oldest Release
    Connect People    alice and bob
    Send Messages    alice    bob    count=10
    Wait Until Acknowledged
    Migrate There And Back
    Send Messages    alice    bob    count=1
    Wait Until Acknowledged
    Run Keyword And Expect Error    Expected the data to read the same*place 11 of the log of alice is new.
    ...    Kill Migrations    times=1
